package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"lameduck/deploy/ctl/enable"
	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/kube"
)

const enableHelp = `Add Lameduck to every pod of a namespace, with the next rollout of each workload, and print the plan.

It asks the API server, with your own rights and in a dry run, whether it admits a pod that redirects its ports, which
needs NET_ADMIN in an init container. If so, the namespace gets the label lameduck.dev/redirect=allowed besides
lameduck.dev/inject=enabled. Otherwise it gets lameduck.dev/redirect=refused, so that no pod is refused: ports that
cannot move are then observed.

The webhook must be installed. The plan is for its flags, as far as you may read its Deployment. Exit codes: 0 success;
1 a workload cannot be protected; 2 an error.`

const disableHelp = `Remove the labels that enable has set, and print the plan. Running pods keep Lameduck until
the next rollout of their workload.

Exit codes: 0 success; 2 an error.`

const statusHelp = `Show which pods of a namespace have Lameduck, in which mode, and why the others do not. It only
reads.

Exit codes: 0 success; 2 an error.`

// namespaceCommand has the flags of enable, disable and status.
type namespaceCommand struct {
	kubeconfig, context, output string
	dryRun                      bool
	timeout                     time.Duration
}

func newEnableCommand() *cobra.Command {
	c := &namespaceCommand{}
	cmd := c.command("enable NAMESPACE", "Add Lameduck to the pods of a namespace", c.enable)
	cmd.Long = enableHelp
	cmd.Flags().BoolVar(&c.dryRun, "dry-run", false, "only print the plan")
	return cmd
}

func newDisableCommand() *cobra.Command {
	c := &namespaceCommand{}
	cmd := c.command("disable NAMESPACE", "Remove Lameduck from the pods of a namespace", c.disable)
	cmd.Long = disableHelp
	cmd.Flags().BoolVar(&c.dryRun, "dry-run", false, "only print the plan")
	return cmd
}

func newStatusCommand() *cobra.Command {
	c := &namespaceCommand{}
	cmd := c.command("status NAMESPACE", "Show which pods of a namespace have Lameduck, in which mode", c.status)
	cmd.Long = statusHelp
	return cmd
}

func (c *namespaceCommand) command(
	use, short string, run func(context.Context, *cobra.Command, *kube.Client, string) error,
) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("needs the name of one namespace: lameduckctl %s, got %d names", use, len(args))
		}
		return nil
	}}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if c.output != "text" && c.output != "json" {
			return fmt.Errorf("--output: must be text or json, got %q", c.output)
		}
		client, err := newClient(c.kubeconfig, c.context)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), c.timeout)
		defer cancel()
		return run(ctx, cmd, client, args[0])
	}
	flags := cmd.Flags()
	flags.StringVar(&c.kubeconfig, "kubeconfig", "", "path of the kubeconfig (default $KUBECONFIG or ~/.kube/config)")
	flags.StringVar(&c.context, "context", "", "context of the kubeconfig")
	flags.StringVarP(&c.output, "output", "o", "text", "format: text or json")
	flags.DurationVar(&c.timeout, "timeout", 30*time.Second, "time limit for all requests to the cluster")
	return cmd
}

func (c *namespaceCommand) enable(
	ctx context.Context, cmd *cobra.Command, client *kube.Client, namespace string,
) error {
	w, installed, unknown := installedWebhook(ctx, client)
	images, end := w.entrypoints.forPods(client)
	defer end()
	w.Images = images
	plan, err := enable.ForEnable(ctx, client, namespace, w.Config,
		enable.Watch{On: w.watch, AllowRedirect: w.allowRedirect})
	if err != nil {
		return err
	}
	if unknown != nil {
		plan.Unread = append(plan.Unread,
			fmt.Sprintf("the settings of the webhook are unknown, so the defaults are assumed: %v", unknown))
	}
	if !installed {
		plan.Inactive = "no webhook is installed: install the chart lameduck-webhook"
	}
	return c.carryOut(ctx, cmd, client, plan)
}

// installedWebhook returns the webhook of a cluster with its flags, or one with the defaults if there
// is none, or if its flags are unknown.
func installedWebhook(ctx context.Context, client *kube.Client) (w *webhookCommand, installed bool, unknown error) {
	w, cmd := newWebhook()
	given, installed, err := enable.WebhookFlags(ctx, client)
	if err == nil {
		err = flagError(cmd, cmd.ParseFlags(given))
	}
	if err != nil || !installed {
		w, _ = newWebhook()
		w.watch = true
	}
	if w.Settings.Shape == "" {
		err = errors.Join(err, w.chooseShape(client))
	}
	w.Settings.Shape = cmp.Or(w.Settings.Shape, inject.Native)
	return w, installed, err
}

func (c *namespaceCommand) disable(
	ctx context.Context, cmd *cobra.Command, client *kube.Client, namespace string,
) error {
	plan, err := enable.ForDisable(ctx, client, namespace)
	if err != nil {
		return err
	}
	return c.carryOut(ctx, cmd, client, plan)
}

// carryOut applies a plan and prints it.
func (c *namespaceCommand) carryOut(
	ctx context.Context, cmd *cobra.Command, client *kube.Client, plan *enable.Plan,
) error {
	if !c.dryRun {
		if err := plan.Apply(ctx, client); err != nil {
			return err
		}
	}
	if err := c.print(cmd.OutOrStdout(), plan, func(w io.Writer) { printPlan(w, plan, c.dryRun) }); err != nil {
		return err
	}
	if slices.ContainsFunc(plan.Workloads, func(w enable.Workload) bool { return w.Unprotected }) {
		return problemsError{}
	}
	return nil
}

func (c *namespaceCommand) status(
	ctx context.Context, cmd *cobra.Command, client *kube.Client, namespace string,
) error {
	s, err := enable.ReadStatus(ctx, client, namespace)
	if err != nil {
		return err
	}
	return c.print(cmd.OutOrStdout(), s, func(w io.Writer) { printStatus(w, s) })
}

func (c *namespaceCommand) print(w io.Writer, value any, text func(io.Writer)) error {
	if c.output == "text" {
		text(w)
		return nil
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

func printPlan(w io.Writer, p *enable.Plan, dryRun bool) {
	sets, removes := "label set:", "label removed:"
	if dryRun {
		sets, removes = "label to set:", "label to remove:"
	}
	for _, name := range slices.Sorted(maps.Keys(p.Labels)) {
		if value := p.Labels[name]; value != nil {
			fmt.Fprintf(w, "namespace %s: %s %s=%s\n", p.Namespace, sets, name, *value)
		} else {
			fmt.Fprintf(w, "namespace %s: %s %s\n", p.Namespace, removes, name)
		}
	}
	if p.Inactive != "" {
		fmt.Fprintf(w, "namespace %s: nothing is injected now: %s; otherwise:\n", p.Namespace, p.Inactive)
	}
	if p.Redirect != nil {
		fmt.Fprintf(w, "redirect: %s\n", p.Redirect.Reason)
	}
	printWorkloads(w, p)
	fmt.Fprintf(w, "It takes effect with the next rollout: "+
		"kubectl -n %s rollout restart deployment,statefulset,daemonset\n", p.Namespace)
}

// printWorkloads prints what happens to the workloads, and what is unknown.
func printWorkloads(w io.Writer, p *enable.Plan) {
	for _, reason := range p.Unread {
		fmt.Fprintf(w, "%s\n", reason)
	}
	if len(p.Workloads) == 0 {
		fmt.Fprintf(w, "no workloads\n")
	}
	for _, one := range p.Workloads {
		printWorkload(w, one)
	}
}

func printWorkload(w io.Writer, one enable.Workload) {
	if one.Mode == "" {
		fmt.Fprintf(w, "%s %s: not injected: %s\n", one.Kind, one.Name, one.Reason)
	} else {
		fmt.Fprintf(w, "%s %s: mode %s: %s\n", one.Kind, one.Name, one.Mode, one.Reason)
	}
	for _, text := range one.Changes {
		fmt.Fprintf(w, "  changes: %s\n", text)
	}
	for _, text := range one.Stays {
		fmt.Fprintf(w, "  stays: %s\n", text)
	}
	if one.More != "" {
		fmt.Fprintf(w, "  for more: %s\n", one.More)
	}
}

func printStatus(w io.Writer, s *enable.Status) {
	fmt.Fprintf(w, "namespace %s: enabled: %t, redirect allowed: %t\n", s.Namespace, s.Enabled, s.Redirect)
	for _, p := range s.Pods {
		if p.Mode != "" {
			fmt.Fprintf(w, "Pod %s: mode %s\n", p.Name, p.Mode)
		} else {
			fmt.Fprintf(w, "Pod %s: not injected: %s\n", p.Name, p.Reason)
		}
	}
}
