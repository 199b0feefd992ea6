package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"lameduck/deploy/ctl/measure"
	"lameduck/deploy/ctl/measure/rollout"
	"lameduck/lifecycle/plural"
)

// rolloutFlags are the flags of measure that determine what ends pods.
type rolloutFlags struct {
	deployment, statefulset, daemonset string
	deletePods, scale                  int
	watchOnly, yes                     bool
	calm                               time.Duration
	kubeconfig, context, namespace     string
}

func (f *rolloutFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.deployment, "deployment", "", "Deployment to restart while the load runs")
	flags.StringVar(&f.statefulset, "statefulset", "", "StatefulSet to restart")
	flags.StringVar(&f.daemonset, "daemonset", "", "DaemonSet to restart")
	flags.IntVar(&f.deletePods, "delete-pod", 0, "instead of a restart, delete this many pods, one after the other")
	flags.IntVar(&f.scale, "scale", -1, "instead of a restart, scale to this many replicas, and back")
	flags.BoolVar(&f.watchOnly, "watch-only", false, "change nothing, and wait for somebody else to replace the pods")
	flags.DurationVar(&f.calm, "calm", 5*time.Second, "time without a loss before the rollout, and after it")
	flags.BoolVarP(&f.yes, "yes", "y", false, "do not ask, and allow the current context")
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "path of the kubeconfig (default $KUBECONFIG or ~/.kube/config)")
	flags.StringVar(&f.context, "context", "", "context of the kubeconfig")
	flags.StringVarP(&f.namespace, "namespace", "n", "", "namespace of the workload (default that of the context)")
}

// workload returns the workload of the flags, without its namespace, or nil if there is none.
func (f *rolloutFlags) workload() (*rollout.Workload, error) {
	var found []rollout.Workload
	for kind, name := range map[string]string{rollout.Deployment: f.deployment,
		rollout.StatefulSet: f.statefulset, rollout.DaemonSet: f.daemonset} {
		if name != "" {
			found = append(found, rollout.Workload{Kind: kind, Name: strings.TrimPrefix(name, kind+"/")})
		}
	}
	switch {
	case len(found) > 1:
		return nil, errors.New("use one of --deployment, --statefulset and --daemonset")
	case len(found) == 1:
		return &found[0], nil
	case f.deletePods != 0 || f.scale >= 0 || f.watchOnly:
		return nil, errors.New("--delete-pod, --scale and --watch-only need --deployment, --statefulset or --daemonset")
	}
	return nil, nil
}

// action returns the action of the flags.
func (f *rolloutFlags) action() (rollout.Action, error) {
	a := rollout.Action{Kind: rollout.Restart}
	n := 0
	if f.deletePods != 0 {
		a, n = rollout.Action{Kind: rollout.DeletePods, N: f.deletePods}, n+1
	}
	if f.scale >= 0 {
		a, n = rollout.Action{Kind: rollout.Scale, N: f.scale}, n+1
	}
	if f.watchOnly {
		a, n = rollout.Action{Kind: rollout.Watching}, n+1
	}
	if n > 1 {
		return a, errors.New("use one of --delete-pod, --scale and --watch-only")
	}
	return a, nil
}

// connect returns a session, whose clock observes the responses.
func (f *rolloutFlags) connect() (*session, error) {
	overrides := clientcmd.ConfigOverrides{CurrentContext: f.context}
	overrides.Context.Namespace = f.namespace
	loaded := loadKubeconfig(f.kubeconfig, overrides)
	config, err := loaded.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	s := &session{clock: new(rollout.Clock), context: f.context}
	if s.namespace, _, err = loaded.Namespace(); err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	if raw, err := loaded.RawConfig(); err == nil && s.context == "" {
		s.context = raw.CurrentContext
	}
	config.Wrap(s.clock.Wrap)
	s.client, err = kubernetes.NewForConfig(config)
	return s, err
}

// confirm returns an error unless the user agrees to an action. The context must be named, or --yes
// set, so that a measurement never restarts the wrong cluster.
func (f *rolloutFlags) confirm(cmd *cobra.Command, what, contextName string) error {
	if f.watchOnly || f.yes {
		return nil
	}
	if f.context == "" {
		return fmt.Errorf("this would %s, in the context %q: name it with --context %s, or pass --yes", what,
			contextName, contextName)
	}
	if in, ok := cmd.InOrStdin().(*os.File); !ok || !term.IsTerminal(int(in.Fd())) {
		return nil
	}
	return ask(cmd.InOrStdin(), cmd.ErrOrStderr(), fmt.Sprintf("In the context %q, %s? [y/N] ", contextName, what))
}

// ask returns an error unless the answer to a question is yes.
func ask(in io.Reader, out io.Writer, question string) error {
	fmt.Fprint(out, question)
	line, err := bufio.NewReader(in).ReadString('\n')
	if answer := strings.ToLower(strings.TrimSpace(line)); answer == "y" || answer == "yes" {
		return nil
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the answer: %w", err)
	}
	return errors.New("canceled: nothing was changed")
}

// A session is the connection to a cluster.
type session struct {
	client             kubernetes.Interface
	clock              *rollout.Clock
	namespace, context string
}

// prepare returns the operation on a workload, which has changed nothing yet.
func (f *rolloutFlags) prepare(cmd *cobra.Command, s *session, w rollout.Workload) (*rollout.Operation, func(), error) {
	action, err := f.action()
	if err != nil {
		return nil, nil, err
	}
	w.Namespace = s.namespace
	if err := f.confirm(cmd, action.Describe(w), s.context); err != nil {
		return nil, nil, err
	}
	if err := w.CheckRights(cmd.Context(), s.client, action); err != nil {
		return nil, nil, err
	}
	if err := s.clock.Probe(cmd.Context(), s.client); err != nil {
		return nil, nil, fmt.Errorf("ask the API server for its time: %w", err)
	}
	watcher, err := rollout.Watch(cmd.Context(), s.client, w, s.clock)
	if err != nil {
		return nil, nil, err
	}
	operation := rollout.NewOperation(watcher, action)
	if err := operation.Check(cmd.Context()); err != nil {
		watcher.Stop()
		return nil, nil, err
	}
	return operation, watcher.Stop, nil
}

// A load is a load that runs here or in the cluster.
type load interface {
	// Run sends the load until ctx is done or a limit is reached.
	Run(ctx context.Context) error
	// Started is closed when the load has begun, and Began returns when that was.
	Started() <-chan struct{}
	Began() time.Time
	// Counts returns how many requests have ended so far, and how many of them were lost.
	Counts() (requests, lost int)
	// Report returns the report of a load that has ended. ended is why, unless a limit did.
	Report(ended string) *measure.Report
}

// A localLoad runs here.
type localLoad struct {
	*measure.Measurement
	result *measure.Result
}

func (l *localLoad) Began() time.Time { return l.result.Start }

func (l *localLoad) Run(ctx context.Context) (err error) {
	l.result, err = l.Measurement.Run(ctx)
	return err
}

func (l *localLoad) Report(ended string) *measure.Report {
	return l.Measurement.Report(l.result, ended)
}

// rolloutLoad sends the load while the operation runs, and returns the report.
func (f *measureFlags) rolloutLoad(cmd *cobra.Command, l load, o *rollout.Operation) (*measure.Report, error) {
	ctx, cancel := context.WithTimeout(cmd.Context(), f.duration)
	defer cancel()
	sending, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		err := l.Run(sending)
		cancel() // a load that has reached a limit ends the operation, too
		ended <- err
	}()
	finish := showProgress(f.progressTo(cmd), rolloutProgress(l, o))
	err := f.operate(ctx, l, o)
	why := f.ending(cmd.Context(), ctx)
	stop()
	finish()
	loadErr := <-ended
	notes, undoErr := o.Undo(cmd.Context())
	if err := errors.Join(err, undoErr, loadErr); err != nil {
		return nil, err
	}
	report := l.Report(why)
	report.Notes = append(report.Notes, notes...)
	report.SetRollout(o.Report(cmd.Context(), l.Began()))
	return report, nil
}

// ending returns why a load with a rollout ended, if no limit of the load ended it.
func (f *measureFlags) ending(command, load context.Context) string {
	switch {
	case command.Err() != nil:
		return "interrupted"
	case errors.Is(load.Err(), context.DeadlineExceeded):
		return "time"
	}
	return "rollout"
}

// operate performs the operation between two calm phases.
func (f *measureFlags) operate(ctx context.Context, l load, o *rollout.Operation) error {
	select {
	case <-l.Started():
	case <-ctx.Done():
		return nil
	}
	if !sleep(ctx, f.rollout.calm) {
		return nil
	}
	if requests, lost := l.Counts(); lost > 0 {
		return fmt.Errorf("before the rollout, the service lost %d of %s: nothing was changed; measure a "+
			"service that works (with --for, for example)", lost, plural.Count(requests, "request"))
	}
	if err := o.Run(ctx); err != nil {
		return err
	}
	// A load balancer may keep routing to a pod that has ended. Its delay is known when nothing has
	// been lost for a while. An interruption ends the load, and is reported.
	for _, before := l.Counts(); sleep(ctx, f.rollout.calm); {
		_, lost := l.Counts()
		if lost == before {
			return nil
		}
		before = lost
	}
	return nil
}

// sleep waits for d, and reports whether ctx was not done before.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
