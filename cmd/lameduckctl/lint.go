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

	"lameduck/deploy/ctl/lint"
)

// never is what --fail-on takes besides the severities.
const never = "never"

const lintLong = `Lint tells before a rollout what will go wrong in it: of manifests, or of what is in a cluster.

Manifests are files, directories (with -R what is below them too) and - for standard input. Without any, it looks at a cluster, of which it
gets and lists and changes nothing.

An object leaves rules out with the annotation lint.lameduck.dev/ignore: RULE: reason, RULE: reason.

Exit codes: 0 nothing found at or above --fail-on; 1 something found; 2 it could not run.`

const lintExample = `  lameduckctl lint deployment.yaml service.yaml
  kubectl kustomize . | lameduckctl lint --lb-delay 60s -
  helm template mychart | lameduckctl lint -o sarif - > lint.sarif
  lameduckctl lint --context production --all-namespaces`

// lintFlags are what the command line says.
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
		Use: "lint [FILE|DIR|-]...", Short: "Tell what will go wrong in a rollout", Long: lintLong, Example: lintExample,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, append(f.files, args...)) },
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.files, "filename", "f", nil, "file, directory or -, like an argument")
	flags.StringVarP(&f.output, "output", "o", "text", "format: "+strings.Join(lint.Formats, ", "))
	flags.StringVar(&f.failOn, "fail-on", "error", "lowest severity that makes the exit code 1: error, warning, info or never")
	flags.BoolVarP(&f.recursive, "recursive", "R", false, "read the directories below directories too")
	flags.DurationVar(&f.options.LBDelay, "lb-delay", 0, "what load balancers take to let go of a pod, where no annotation lameduck.dev/lb-delay says it")
	flags.DurationVar(&f.options.AppStop, "app-stop", 5*time.Second, "what apps need to stop, where no Lameduck says it")
	flags.StringSliceVar(&f.kubernetes, "kubernetes-version", nil, "versions of the kubelets, as 1.33,1.34; default: the cluster's, or those that are supported")
	flags.StringSliceVar(&f.options.Ignore, "ignore", nil, "rules to leave out")
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "path of the kubeconfig; default: $KUBECONFIG, or ~/.kube/config")
	flags.StringVar(&f.context, "context", "", "context of the kubeconfig")
	flags.StringVarP(&f.namespace, "namespace", "n", "", "namespace of the cluster; default: the context's")
	flags.BoolVarP(&f.allNamespaces, "all-namespaces", "A", false, "all namespaces of the cluster")
	flags.DurationVar(&f.timeout, "timeout", 30*time.Second, "how long the cluster may take to answer")
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
		return faultsError{}
	}
	return nil
}

// check finds what is wrong with the command line, all of it at once.
func (f *lintFlags) check(cmd *cobra.Command, args []string) error {
	var faults []string
	if _, err := lint.ParseSeverity(f.failOn); err != nil && f.failOn != never {
		faults = append(faults, "--fail-on: "+err.Error()+", or "+never)
	}
	if !slices.Contains(lint.Formats, f.output) {
		faults = append(faults, fmt.Sprintf("--output %q: use %s", f.output, strings.Join(lint.Formats, ", ")))
	}
	for _, v := range f.kubernetes {
		r, err := lint.ParseRelease(v)
		if err != nil {
			faults = append(faults, "--kubernetes-version: "+err.Error())
		}
		f.options.Releases = append(f.options.Releases, r)
	}
	for _, id := range f.options.Ignore {
		if _, known := lint.Find(id); !known {
			faults = append(faults, fmt.Sprintf("--ignore %q: there is no such rule; lameduckctl explain lists them", id))
		}
	}
	if len(args) > 0 && clusterFlag(cmd) != "" {
		faults = append(faults, clusterFlag(cmd)+" is for a cluster: leave it out, or the files")
	}
	if f.allNamespaces && f.namespace != "" {
		faults = append(faults, "--namespace and --all-namespaces: say one of them")
	}
	if len(faults) == 0 {
		return nil
	}
	return errors.New(strings.Join(faults, "\n"))
}

// clusterFlag is one that has been set and makes sense for a cluster alone. Empty: there is none.
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

// cluster finds the cluster, and the namespace, which is empty for all of them.
func (f *lintFlags) cluster() (*rest.Config, string, error) {
	overrides := clientcmd.ConfigOverrides{CurrentContext: f.context}
	overrides.Context.Namespace = f.namespace
	loaded := loadKubeconfig(f.kubeconfig, overrides)
	config, err := loaded.ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		return nil, "", errors.New("there is nothing to look at: say files, directories or - for standard input, or a cluster with --context or --kubeconfig")
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
