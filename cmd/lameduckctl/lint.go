package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/lint"
)

// never is the value of --fail-on besides the severities.
const never = "never"

const lintLong = `Lint checks manifests or a cluster for what will go wrong in the next rollout.

Manifests are files, directories (with -R their subdirectories too) and - for standard input. Without any,
it checks a cluster, in which it only gets and lists objects.

To ignore rules for an object, annotate it with lint.lameduck.dev/ignore: RULE: reason, RULE: reason.

Exit codes: 0 no findings at or above --fail-on; 1 findings; 2 lint could not run.`

const lintExample = `  lameduckctl lint deployment.yaml service.yaml
  kubectl kustomize . | lameduckctl lint --lb-delay 60s -
  helm template mychart | lameduckctl lint -o sarif - > lint.sarif
  lameduckctl lint --context production --all-namespaces`

// lintFlags are the flags of lint.
type lintFlags struct {
	files               []string
	output, failOn      string
	recursive           bool
	options             lint.Options
	kubernetes          []string
	kubeconfig, context string
	namespace           string
	allNamespaces       bool
	timeout             time.Duration
}

func newLintCommand() *cobra.Command {
	var f lintFlags
	cmd := &cobra.Command{
		Use: "lint [FILE|DIR|-]...", Short: "Report what will go wrong in a rollout", Long: lintLong,
		Example: lintExample,
		RunE:    func(cmd *cobra.Command, args []string) error { return f.run(cmd, append(f.files, args...)) },
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.files, "filename", "f", nil, "file, directory or -, like an argument")
	flags.StringVarP(&f.output, "output", "o", "text", "format: "+strings.Join(lint.Formats, ", "))
	flags.StringVar(&f.failOn, "fail-on", "error", "lowest severity that makes the exit code 1: error, "+
		"warning, info or never")
	flags.BoolVarP(&f.recursive, "recursive", "R", false, "read subdirectories too")
	flags.StringVar(&f.options.LB, "lb", "", "load balancer; its preset has the delay; the annotation "+
		"lameduck.dev/lb overrides it")
	flags.DurationVar(&f.options.LBDelay, "lb-delay", 0,
		"time until load balancers stop routing to a terminating pod (default that of --lb); the annotation "+
			"lameduck.dev/lb-delay overrides it")
	flags.DurationVar(&f.options.AppStop, "app-stop", 5*time.Second,
		"time that apps without Lameduck need to stop")
	flags.StringSliceVar(&f.kubernetes, "kubernetes-version", nil,
		"versions of the kubelets, such as 1.33,1.34 (default those of the cluster, or the supported "+
			"versions)")
	flags.StringSliceVar(&f.options.Ignore, "ignore", nil, "rules to ignore")
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "path of the kubeconfig (default $KUBECONFIG or "+
		"~/.kube/config)")
	flags.StringVar(&f.context, "context", "", "context of the kubeconfig")
	flags.StringVarP(&f.namespace, "namespace", "n", "", "namespace of the cluster (default that of the "+
		"context)")
	flags.BoolVarP(&f.allNamespaces, "all-namespaces", "A", false, "all namespaces of the cluster")
	flags.DurationVar(&f.timeout, "timeout", 30*time.Second, "time limit for reading the cluster")
	return cmd
}

func (f *lintFlags) run(cmd *cobra.Command, args []string) error {
	if err := f.check(cmd, args); err != nil {
		return err
	}
	in := lint.NewInventory(f.options)
	if err := f.read(cmd, in, args); err != nil {
		return err
	}
	report := lint.Report{Findings: in.Lint(), Objects: in.Objects(), Version: buildVersion()}
	if err := report.Write(cmd.OutOrStdout(), f.output); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if s, err := lint.ParseSeverity(f.failOn); err == nil && lint.AnyAtLeast(report.Findings, s) {
		return problemsError{}
	}
	return nil
}

// check returns all errors of the command line.
func (f *lintFlags) check(cmd *cobra.Command, args []string) error {
	var problems []string
	if _, err := lint.ParseSeverity(f.failOn); err != nil && f.failOn != never {
		problems = append(problems, "--fail-on: "+err.Error()+", or "+never)
	}
	if !slices.Contains(lint.Formats, f.output) {
		problems = append(problems, fmt.Sprintf("--output %q: use %s", f.output,
			strings.Join(lint.Formats, ", ")))
	}
	if _, err := inject.FindPreset(f.options.LB); f.options.LB != "" && err != nil {
		problems = append(problems, "--lb: "+err.Error())
	}
	for _, v := range f.kubernetes {
		r, err := lint.ParseRelease(v)
		if err != nil {
			problems = append(problems, "--kubernetes-version: "+err.Error())
		}
		f.options.Releases = append(f.options.Releases, r)
	}
	for _, id := range f.options.Ignore {
		if _, known := lint.Find(id); !known {
			problems = append(problems, fmt.Sprintf("--ignore %q: unknown rule; lameduckctl explain lists "+
				"all rules", id))
		}
	}
	if len(args) > 0 && clusterFlag(cmd) != "" {
		problems = append(problems, clusterFlag(cmd)+" is for a cluster and cannot be used with files")
	}
	if f.allNamespaces && f.namespace != "" {
		problems = append(problems, "use either --namespace or --all-namespaces")
	}
	if len(problems) == 0 {
		return nil
	}
	return errors.New(strings.Join(problems, "\n"))
}

// clusterFlag returns a flag that is set and is only for clusters, or an empty string.
func clusterFlag(cmd *cobra.Command) string {
	for _, name := range []string{"kubeconfig", "context", "namespace", "all-namespaces"} {
		if cmd.Flags().Changed(name) {
			return "--" + name
		}
	}
	return ""
}

func (f *lintFlags) read(cmd *cobra.Command, in *lint.Inventory, args []string) error {
	if len(args) > 0 {
		return in.ReadFiles(args, f.recursive, cmd.InOrStdin())
	}
	config, namespace, err := f.cluster()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), f.timeout)
	defer cancel()
	return in.ReadCluster(ctx, config, namespace)
}

// cluster returns the cluster and the namespace to check. An empty namespace means all namespaces.
func (f *lintFlags) cluster() (*rest.Config, string, error) {
	overrides := clientcmd.ConfigOverrides{CurrentContext: f.context}
	overrides.Context.Namespace = f.namespace
	loaded := loadKubeconfig(f.kubeconfig, overrides)
	config, err := loaded.ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		return nil, "", errors.New("nothing to check: pass files, directories or - for standard input, or " +
			"a cluster with --context or --kubeconfig")
	}
	if err != nil {
		return nil, "", fmt.Errorf("read the kubeconfig: %w", err)
	}
	if f.allNamespaces {
		return config, "", nil
	}
	namespace, _, err := loaded.Namespace()
	return config, namespace, err
}
