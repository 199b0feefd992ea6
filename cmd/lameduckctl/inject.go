package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/kube"
	"lameduck/deploy/ctl/manifest"
)

const injectHelp = `Add Lameduck to the workloads of manifests, or remove it. Comments, order and formatting stay,
and other objects pass through unchanged.

Inject supports Deployments, StatefulSets, DaemonSets, ReplicaSets, ReplicationControllers, Pods, Rollouts of Argo,
CloneSets of OpenKruise and DeploymentConfigs of OpenShift, including those in lists. It skips Jobs and CronJobs, which
run to completion, and patches of kustomize, and reports pods in objects of other kinds. An annotation lameduck.dev/NAME
of a pod template overrides the flag --NAME, and the label lameduck.dev/inject=disabled opts out.

In mode auto, Lameduck relays a workload's ports if its Services are in the manifests, or in the cluster of --context,
and use the names of the ports, and no network policy has a port's number. It observes the ports of any other workload,
which changes nothing for its clients: a drain waits until their traffic has ended, but they are not asked to
disconnect.

With --shape wrapper, an app without a command in its manifest is observed too, unless --entrypoint-registries allows
asking its registry, with the credentials of your Docker configuration.

Standard error has the mode of each workload, why it was chosen and what to change for a better one, notes on what else
to change, and the reasons for workloads that cannot be protected. Those pass through unchanged.

Exit codes: 0 success; 1 a workload could not be protected; 2 invalid command line or manifests, nothing is written.`

// injectCommand has the flags of inject.
type injectCommand struct {
	files      []string
	kubernetes string
	context    string
	kubeconfig string
	namespace  string
	uninject   bool
	services   bool
	settings   inject.Settings

	entrypoints entrypointFlags
	images      inject.Images // may be nil
}

func newInjectCommand() *cobra.Command {
	c := &injectCommand{settings: inject.Defaults()}
	cmd := &cobra.Command{
		Use:   "inject -f FILE|DIR|- [flags]",
		Short: "Add Lameduck to manifests, or remove it",
		Long:  injectHelp,
		Example: `  lameduckctl inject -f deployment.yaml --image REGISTRY/lameduck:TAG | kubectl apply -f -
  helm template release chart | lameduckctl inject -f - --image REGISTRY/lameduck:TAG --lb alb
  lameduckctl inject -f deploy/ --uninject`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("%s: files are named with -f: lameduckctl inject -f %s", args[0], args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&c.files, "filename", "f", nil, "file, directory or - for standard input; may be "+
		"given several times")
	flags.BoolVar(&c.uninject, "uninject", false, "remove Lameduck")
	flags.BoolVar(&c.services, "services", false, "replace numbers with names in the target ports of "+
		"Services, where every selected workload and, with --context, every running pod has the name")
	flags.StringVar(&c.kubernetes, "kubernetes-version", "", "version of the cluster, such as 1.28; shape "+
		"native needs 1.29")
	flags.StringVar(&c.context, "context", "", "context of the kubeconfig: also use the version, Services, policies "+
		"and limits of its cluster")
	flags.StringVar(&c.kubeconfig, "kubeconfig", "", "path of the kubeconfig for --context")
	flags.StringVarP(&c.namespace, "namespace", "n", "", "namespace of manifests without one, with --context "+
		"(default that of the context)")
	c.entrypoints.addRegistries(flags)
	c.entrypoints.addTimeout(flags)
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
func (setting) String() string           { return "" } // the usage has the default

func (c *injectCommand) run(cmd *cobra.Command) error {
	files, err := manifest.Read(c.files, cmd.InOrStdin())
	if err != nil {
		return err
	}
	if err := c.checkVersion(); err != nil {
		return err
	}
	if c.namespace != "" && c.context == "" {
		return errors.New("--namespace: needs --context, the cluster that has the namespace")
	}
	if err := c.entrypoints.check(); err != nil {
		return err
	}
	if c.services && c.uninject {
		return errors.New("--services: cannot be undone by --uninject, and needs not be: names follow the ports")
	}
	cluster, err := c.connect()
	if err != nil {
		return err
	}
	if c.services {
		ctx, cancel := context.WithTimeout(cmd.Context(), clusterTimeout)
		defer cancel()
		if err := nameTargets(files, cluster.podsOf(ctx), cmd.ErrOrStderr()); err != nil {
			return err
		}
	}
	around, err := c.readSurroundings(cmd, files, cluster)
	if err != nil {
		return err
	}
	images, end := c.entrypoints.forUser()
	defer end()
	c.images = images
	changes, refused, err := c.planAll(cmd.Context(), files, around, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	for _, change := range changes {
		if err := change.apply(cmd.ErrOrStderr()); err != nil {
			return err
		}
	}
	if _, err := cmd.OutOrStdout().Write(joined(files)); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if refused {
		return problemsError{}
	}
	return nil
}

// checkVersion sets the version of the cluster. A malformed one must not count as recent: on an old
// cluster a pod with a native sidecar never starts.
func (c *injectCommand) checkVersion() error {
	c.settings.Kubernetes = c.kubernetes
	if c.kubernetes == "" {
		return nil
	}
	if _, err := inject.ShapeFor(c.kubernetes); err != nil {
		return fmt.Errorf("--kubernetes-version: must be a version such as 1.28, got %q", c.kubernetes)
	}
	return nil
}

// A home is a cluster, and the namespace for manifests without one.
type home struct {
	client    *kube.Client
	namespace string
}

// connect returns the cluster of --context, and nil without one.
func (c *injectCommand) connect() (*home, error) {
	if c.context == "" || c.uninject {
		return nil, nil
	}
	client, namespace, err := connect(c.kubeconfig, c.context)
	if err != nil {
		return nil, err
	}
	return &home{client, cmp.Or(c.namespace, namespace)}, nil
}

// readSurroundings reads the surroundings in the manifests, after nameTargets has changed them, and
// in the cluster, if there is one.
func (c *injectCommand) readSurroundings(
	cmd *cobra.Command, files []*manifest.File, cluster *home,
) (s *surroundings, err error) {
	if cluster == nil {
		return readSurroundings(files, "")
	}
	if c.kubernetes == "" {
		if c.settings.Kubernetes, err = clusterVersion(cluster.client, c.context); err != nil {
			return nil, err
		}
	}
	if s, err = readSurroundings(files, cluster.namespace); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), clusterTimeout)
	defer cancel()
	unread, err := s.readCluster(ctx, files, cluster.client.Around)
	if err != nil {
		return nil, fmt.Errorf("context %s: %w", c.context, err)
	}
	for _, reason := range unread {
		fmt.Fprintf(cmd.ErrOrStderr(), "context %s: %s\n", c.context, reason)
	}
	return s, nil
}

// clusterTimeout limits the time for all requests to the cluster.
const clusterTimeout = 30 * time.Second

// A change is the plan for a workload.
type change struct {
	workload *manifest.Workload
	plan     inject.Plan
}

// apply changes the manifest, and prints a note if its layout is lost.
func (c change) apply(stderr io.Writer) error {
	w := c.workload
	at, before := w.Position(""), w.Document.Rewritten()
	if err := w.Apply(w.TemplatePath, c.plan.Patch); err != nil {
		return err
	}
	if !before && w.Document.Rewritten() {
		fmt.Fprintf(stderr, "%s: %s: its document has an unusual layout and is encoded again: the objects are right, "+
			"but --uninject does not restore the text\n", at, w)
	}
	return nil
}

// planAll plans all workloads and prints notes, before any line of the files moves.
func (c *injectCommand) planAll(
	ctx context.Context, files []*manifest.File, around *surroundings, stderr io.Writer,
) (changes []change, refused bool, err error) {
	patches := manifest.Patches(files)
	for _, f := range files {
		for _, o := range f.Objects() {
			if patches[f.Name] || o.IsPatch() {
				reportPatch(stderr, o)
				continue // what it lacks is in another file
			}
			w, err := o.Workload()
			if err != nil {
				return nil, false, err
			}
			if w == nil {
				refused = !c.uninject && reportHolders(stderr, o) || refused
				continue
			}
			plan, err := c.plan(ctx, w, around)
			if refusals := inject.Refusals(err); len(refusals) > 0 {
				for _, r := range refusals {
					printNote(stderr, w, r.Field, c.failed()+": "+r.Why+": "+r.Remedy)
				}
				refused = true
				continue
			}
			if err != nil {
				return nil, false, err
			}
			if !c.uninject && plan.Skipped == "" {
				if err := checkImage(plan); err != nil {
					printNote(stderr, w, "spec", "not injected: "+err.Error())
					refused = true
					continue
				}
			}
			if plan.Skipped == "" { // else the summary has the reason
				printNotes(stderr, w, around.notes(w, plan))
			}
			changes = append(changes, change{w, plan})
			reportMisplaced(stderr, w)
		}
	}
	if !c.uninject {
		printSummary(stderr, changes)
	}
	if !slices.ContainsFunc(files, hasObject) {
		fmt.Fprintln(stderr, "nothing is changed: the input has no object of Kubernetes, with apiVersion and kind")
	}
	return changes, refused, nil
}

func hasObject(f *manifest.File) bool {
	return slices.ContainsFunc(f.Objects(), func(o *manifest.Object) bool { return o.Kind != "" })
}

// failed returns what has not happened to a workload that was refused.
func (c *injectCommand) failed() string {
	if c.uninject {
		return "not removed"
	}
	return "not injected"
}

func (c *injectCommand) plan(
	ctx context.Context, w *manifest.Workload, around *surroundings,
) (inject.Plan, error) {
	pods := inject.Workload{
		Kind: w.Kind, Template: w.Template, Around: around.around(w.Namespace), NoMetadata: w.NoMetadata,
		Quote: w.Quote, Null: w.Null,
	}
	if c.uninject {
		return inject.Uninject(pods)
	}
	return inject.Ask(ctx, c.images, pods, c.settings)
}

func printNotes(w io.Writer, about *manifest.Workload, notes []inject.Note) {
	for _, n := range notes {
		printNote(w, about, n.Field, n.Text)
	}
}

// printNote prints a line that begins with a source position, like a compiler.
func printNote(w io.Writer, about *manifest.Workload, field, text string) {
	fmt.Fprintf(w, "%s: %s: %s: %s\n", about.Position(about.TemplatePath+manifest.Pointer(field)), about,
		field, text)
}

// joined returns all files as one stream of documents.
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
