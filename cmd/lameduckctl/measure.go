package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lameduck/deploy/ctl/measure"
	"lameduck/deploy/ctl/measure/rollout"
)

const measureLong = `Measure counts the requests that a service loses, as its clients see it. It sends requests at a constant
rate, over new and kept connections side by side, and never sends one twice.

With a workload it restarts the pods (or deletes some, or scales) and watches each pod end. It asks before it
changes anything. With --watch-only it waits for somebody else to replace the pods. Without a workload, it only
sends the load, for the time of --for.

It sends GET requests and, with --post, also POST requests. Every POST is a real request, so choose one that is
safe to repeat.

Exit codes: 0 no more requests were lost than --max-lost; 1 more were lost; 2 measure could not run.`

const measureExample = `  lameduckctl measure https://shop.example/ --deployment shop -n prod --context prod --html report.html
  lameduckctl measure https://shop.example/ --deployment shop -n prod --watch-only
  lameduckctl measure https://shop.example/ --for 60s
  lameduckctl measure http://shop.prod.svc/ --in-cluster --image REGISTRY/lameduckctl:TAG --for 60s -n prod --context prod
  lameduckctl measure http://10.0.0.7:8080/health --for 60s --rate 100 --json result.json --junit junit.xml`

// measureFlags are the flags of measure.
type measureFlags struct {
	duration                 time.Duration
	rate                     float64
	maxRequests, maxFailures int
	maxLost                  int
	timeout                  time.Duration
	connections              int
	expect                   string
	protocols                []string
	grpcService              string
	request                  requestFlags
	pin                      bool
	podHeader                string
	json, html, junit        string
	redact, quiet            bool
	rollout                  rolloutFlags
	cluster                  clusterFlags
}

func newMeasureCommand() *cobra.Command {
	var f measureFlags
	cmd := &cobra.Command{
		Use: "measure URL", Short: "Count the requests that a service loses in a rollout",
		Long: measureLong, Example: measureExample, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	cmd.AddCommand(newMeasureDiffCommand())
	f.addFlags(cmd.Flags())
	return cmd
}

func (f *measureFlags) addFlags(flags *pflag.FlagSet) {
	flags.DurationVar(&f.duration, "for", 0, "duration of the load; with a workload its limit (10m)")
	flags.Float64Var(&f.rate, "rate", 20, "requests a second, over all lanes")
	flags.IntVar(&f.maxRequests, "max-requests", 0,
		"end after this many requests (2000 with a workload, otherwise no limit)")
	flags.IntVar(&f.maxFailures, "max-failures", 0,
		"end after this many lost requests (100 with a workload, otherwise no limit)")
	flags.IntVar(&f.maxLost, "max-lost", 0, "lost requests above which the exit code is 1; -1 allows any number")
	flags.DurationVar(&f.timeout, "timeout", 10*time.Second, "time limit of a request, after which it counts as lost")
	flags.IntVar(&f.connections, "connections", 8, "keep-alive connections of each lane, which are used in turn")
	flags.StringVar(&f.expect, "expect", "200-399", "statuses of correct responses, such as 2xx,404")
	flags.StringSliceVar(&f.protocols, "protocols", nil,
		"http1, http2, grpc (health checks), websocket (pings) or several (default http1, and http2 if the "+
			"server offers it over TLS)")
	flags.StringVar(&f.grpcService, "grpc-service", "", "service whose health gRPC requests check (default the whole server)")
	f.request.add(flags)
	f.rollout.add(flags)
	f.cluster.add(flags)
	flags.BoolVar(&f.pin, "pin-addresses", false, "keep the addresses that the host name has at the start")
	flags.StringVar(&f.podHeader, "pod-header", "", "response header with the name of the pod that answered")
	flags.StringVar(&f.json, "json", "", "file for the result as JSON (deploy/ctl/measure/report.schema.json)")
	flags.StringVar(&f.html, "html", "", "file for the result as a page")
	flags.StringVar(&f.junit, "junit", "", "file for the result as JUnit XML")
	flags.BoolVar(&f.redact, "redact", false, "remove hosts, addresses, names and error texts, to publish the result")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "show no progress")
}

func (f *measureFlags) run(cmd *cobra.Command, target string) error {
	workload, err := f.rollout.workload()
	if err != nil {
		return err
	}
	if workload != nil {
		f.limit(cmd)
	}
	cfg, err := f.config(cmd.InOrStdin(), target)
	if err != nil {
		return err
	}
	if f.cluster.events {
		return f.sendEvents(cmd, cfg)
	}
	report, err := f.measure(cmd, cfg, workload)
	if err != nil {
		return err
	}
	if f.redact {
		report.Redact()
	}
	if err := errors.Join(f.write(report), report.Summary(cmd.OutOrStdout())); err != nil {
		return err
	}
	if report.TooMany(f.maxLost) {
		return problemsError{}
	}
	return nil
}

// limit sets the limits of a load on a service whose pods are replaced, unless flags do.
func (f *measureFlags) limit(cmd *cobra.Command) {
	if !cmd.Flags().Changed("for") {
		f.duration = 10 * time.Minute
	}
	if !cmd.Flags().Changed("max-requests") {
		f.maxRequests = 2000
	}
	if !cmd.Flags().Changed("max-failures") {
		f.maxFailures = 100
	}
}

// measure sends the load, here or in the cluster, alone or while the pods of a workload are replaced.
func (f *measureFlags) measure(cmd *cobra.Command, cfg measure.Config, w *rollout.Workload) (*measure.Report, error) {
	var s *session
	if w != nil || f.cluster.inCluster {
		if _, err := f.rollout.action(); err != nil {
			return nil, err
		}
		var err error
		if s, err = f.rollout.connect(); err != nil {
			return nil, err
		}
	}
	if w == nil {
		l, err := f.newLoad(cmd, cfg, s)
		if err != nil {
			return nil, err
		}
		return f.load(cmd, l)
	}
	operation, stop, err := f.rollout.prepare(cmd, s, *w)
	if err != nil {
		return nil, err
	}
	defer stop()
	l, err := f.newLoad(cmd, cfg, s)
	if err != nil {
		return nil, err
	}
	return f.rolloutLoad(cmd, l, operation)
}

// newLoad returns a load that runs in the cluster of the session, or else here.
func (f *measureFlags) newLoad(cmd *cobra.Command, cfg measure.Config, s *session) (load, error) {
	if f.cluster.inCluster {
		return f.jobLoad(cmd, cfg, s)
	}
	m, err := measure.New(cmd.Context(), cfg)
	if err != nil {
		return nil, err
	}
	return &localLoad{Measurement: m}, nil
}

// protocols are the values of --protocols.
var protocols = map[string]measure.Protocol{
	"http1": measure.HTTP1, "http2": measure.HTTP2, "grpc": measure.GRPC,
	"websocket": measure.WebSocket,
}

// config returns the configuration of the flags, or all errors of the command line.
func (f *measureFlags) config(stdin io.Reader, target string) (measure.Config, error) {
	cfg := measure.Config{
		Rate: f.rate, MaxRequests: f.maxRequests, MaxFailures: f.maxFailures, Timeout: f.timeout,
		Connections: f.connections, GRPCService: f.grpcService, Pin: f.pin, PodHeader: http.CanonicalHeaderKey(f.podHeader),
		Version: buildVersion(),
	}
	var problems []string
	refuse := func(flag string, err error) {
		if err != nil {
			problems = append(problems, flag+": "+err.Error())
		}
	}
	if f.duration <= 0 {
		refuse("--for", errors.New("must be a duration above zero, such as 60s, unless there is a workload (--deployment)"))
	}
	var err error
	cfg.Expect, err = measure.ParseStatuses(f.expect)
	refuse("--expect", err)
	for _, p := range f.protocols {
		protocol, known := protocols[p]
		if !known {
			refuse("--protocols", fmt.Errorf("must be http1, http2, grpc or websocket, got %q", p))
		}
		cfg.Protocols = append(cfg.Protocols, protocol)
	}
	problems = append(problems, f.request.apply(&cfg, target, stdin)...)
	if len(problems) > 0 {
		return cfg, errors.New(strings.Join(problems, "\n"))
	}
	return cfg, nil
}

// load sends the load alone, shows its progress and returns the report.
func (f *measureFlags) load(cmd *cobra.Command, l load) (*measure.Report, error) {
	ctx, stop := context.WithCancel(cmd.Context())
	defer stop()
	go func() {
		select {
		case <-l.Started():
			sleep(ctx, f.duration)
		case <-ctx.Done():
		}
		stop()
	}()
	finish := showProgress(f.progressTo(cmd), timeProgress(l, f.duration))
	err := l.Run(ctx)
	finish()
	if err != nil {
		return nil, err
	}
	ended := "time"
	if cmd.Context().Err() != nil {
		ended = "interrupted"
	}
	return l.Report(ended), nil
}

// progressTo returns where progress is shown.
func (f *measureFlags) progressTo(cmd *cobra.Command) io.Writer {
	if f.quiet {
		return io.Discard
	}
	return cmd.ErrOrStderr()
}

// write writes the files.
func (f *measureFlags) write(report *measure.Report) error {
	var errs []error
	if f.json != "" {
		errs = append(errs, report.Write(f.json))
	}
	if f.html != "" {
		errs = append(errs, report.WriteHTML(f.html))
	}
	if f.junit != "" {
		errs = append(errs, report.WriteJUnit(f.junit, f.maxLost))
	}
	return errors.Join(errs...)
}
