package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"lameduck/deploy/ctl/enable"
	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/kube"
)

// report prints what a webhook with the same flags does with the workloads of namespaces.
func (c *webhookCommand) report(cmd *cobra.Command, namespaces []string) error {
	if len(namespaces) == 0 {
		return errors.New("--dry-run=report: needs the names of namespaces as arguments")
	}
	client, err := newClient(c.kubeconfig, "")
	if err != nil {
		return err
	}
	if err := c.entrypoints.check(); err != nil {
		return err
	}
	images, end := c.entrypoints.forPods(client)
	defer end()
	c.Images = images
	ctx, cancel := context.WithTimeout(cmd.Context(), clusterTimeout)
	defer cancel()
	if c.Settings.Shape == "" {
		if err := c.chooseShape(client); err != nil {
			return err
		}
	}
	unprotected := false
	for _, namespace := range namespaces {
		plan, err := enable.ForWebhook(ctx, client, namespace, c.Config,
			enable.Watch{On: c.watch, AllowRedirect: c.allowRedirect})
		if err != nil {
			return err
		}
		printReport(cmd.OutOrStdout(), plan)
		unprotected = unprotected ||
			slices.ContainsFunc(plan.Workloads, func(w enable.Workload) bool { return w.Unprotected })
	}
	if unprotected {
		return problemsError{}
	}
	return nil
}

// chooseShape chooses the shape by the version of the cluster, as the webhook does.
func (c *webhookCommand) chooseShape(client *kube.Client) error {
	info, err := client.Discovery().ServerVersion()
	if err != nil {
		return fmt.Errorf("get the version of the cluster: %w", err)
	}
	c.Settings.Kubernetes = info.GitVersion
	c.Settings.Shape, err = inject.ShapeFor(info.GitVersion)
	return err
}

func printReport(w io.Writer, p *enable.Plan) {
	if p.Inactive != "" {
		fmt.Fprintf(w, "namespace %s: nothing is injected now: %s; otherwise:\n", p.Namespace, p.Inactive)
	} else {
		fmt.Fprintf(w, "namespace %s: the next rollout of each workload:\n", p.Namespace)
	}
	printWorkloads(w, p)
}
