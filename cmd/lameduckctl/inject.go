package main

import (
	"bytes"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/jsonpatch"
	"lameduck/deploy/ctl/manifest"
)

const injectHelp = `Bring Lameduck into the workloads of manifests, or take it out again. The manifests come out as they went in, with comments and order, and with
what is needed added. Services, and what else there is, pass through.

Deployments, StatefulSets, DaemonSets, ReplicaSets, ReplicationControllers, Rollouts and Pods get it, in lists too. Jobs and CronJobs run to their
end and stay as they are. An annotation lameduck.dev/NAME of a pod template overrides the flag --NAME for it, and the label lameduck.dev/inject=disabled
leaves it alone.

What follows for you is told on standard error, and what cannot be protected as it stands passes through as it is.

Exit codes: 0 everything is done; 1 something could not be protected, and was told; 2 the command line or the manifests are wrong, and nothing is written.`

// An injectCommand is one at work.
type injectCommand struct {
	files      []string
	kubernetes string
	context    string
	kubeconfig string
	uninject   bool
	settings   inject.Settings
}

func newInjectCommand() *cobra.Command {
	c := &injectCommand{settings: inject.Defaults()}
	cmd := &cobra.Command{
		Use:   "inject -f FILE|DIR|- [flags]",
		Short: "Bring Lameduck into manifests, or take it out again",
		Long:  injectHelp,
		Example: `  lameduckctl inject -f deployment.yaml | kubectl apply -f -
  helm template release chart | lameduckctl inject -f - --lb-delay 90s
  lameduckctl inject -f deploy/ --uninject`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&c.files, "filename", "f", nil, "file, directory or - for standard input; may be given several times")
	flags.BoolVar(&c.uninject, "uninject", false, "take Lameduck out again")
	flags.StringVar(&c.kubernetes, "kubernetes-version", "", "version of the cluster, as 1.28; shape native needs 1.29")
	flags.StringVar(&c.context, "context", "", "ask the cluster of this context of the kubeconfig for its version")
	flags.StringVar(&c.kubeconfig, "kubeconfig", "", "path of the kubeconfig for --context")
	for _, o := range inject.Options() {
		flags.Var(setting{o, &c.settings}, o.Name, o.Usage)
	}
	_ = cmd.MarkFlagRequired("filename")
	return cmd
}

// A setting is the flag of an option.
type setting struct {
	option   inject.Option
	settings *inject.Settings
}

func (s setting) Set(value string) error { return s.settings.Set(s.option.Name, value) }
func (s setting) Type() string           { return s.option.Value }
func (setting) String() string           { return "" } // the default, which the usage says

func (c *injectCommand) run(cmd *cobra.Command) error {
	files, err := manifest.Read(c.files, cmd.InOrStdin())
	if err != nil {
		return err
	}
	c.settings.Kubernetes = c.kubernetes
	if c.context != "" && c.kubernetes == "" {
		if c.settings.Kubernetes, err = clusterVersion(c.kubeconfig, c.context); err != nil {
			return err
		}
	}
	around, err := lookAround(files)
	if err != nil {
		return err
	}
	changes, refused, err := c.planAll(files, around, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	for _, change := range changes {
		if err := change.workload.Apply(change.workload.TemplatePath, change.patch); err != nil {
			return err
		}
	}
	if _, err := cmd.OutOrStdout().Write(joined(files)); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if refused {
		return faultsError{}
	}
	return nil
}

// A change is what is to be done to a workload.
type change struct {
	workload *manifest.Workload
	patch    []jsonpatch.Operation
}

// planAll plans for all workloads and tells what there is to tell, while everything still stands where the user has it.
func (c *injectCommand) planAll(files []*manifest.File, around map[string]*surroundings, stderr io.Writer) (changes []change, refused bool, err error) {
	for _, f := range files {
		for _, o := range f.Objects() {
			w, err := o.Workload()
			if err != nil {
				return nil, false, err
			}
			if w == nil {
				continue
			}
			plan, err := c.plan(w)
			if refusals := inject.Refusals(err); len(refusals) > 0 {
				for _, r := range refusals {
					tell(stderr, w, r.Field, "not injected: "+r.Why+": "+r.Remedy)
				}
				refused = true
				continue
			}
			if err != nil {
				return nil, false, err
			}
			for _, n := range around[w.Namespace].notes(w, plan) {
				tell(stderr, w, n.Field, n.Text)
			}
			changes = append(changes, change{w, plan.Patch})
		}
	}
	return changes, refused, nil
}

func (c *injectCommand) plan(w *manifest.Workload) (inject.Plan, error) {
	pods := inject.Workload{Kind: w.Kind, Template: w.Template}
	if c.uninject {
		return inject.Eject(pods)
	}
	return inject.Inject(pods, c.settings)
}

// tell writes a line that begins with where it is about, as compilers do.
func tell(w io.Writer, about *manifest.Workload, field, text string) {
	fmt.Fprintf(w, "%s: %s: %s: %s\n", about.Position(about.TemplatePath+manifest.Pointer(field)), about, field, text)
}

// joined returns the text of all files as one stream.
func joined(files []*manifest.File) []byte {
	var all []byte
	for _, f := range files {
		text := f.Text()
		if len(all) > 0 && len(text) > 0 {
			if all[len(all)-1] != '\n' {
				all = append(all, '\n')
			}
			if !bytes.HasPrefix(text, []byte("---")) {
				all = append(all, "---\n"...)
			}
		}
		all = append(all, text...)
	}
	return all
}
