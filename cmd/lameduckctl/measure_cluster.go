package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lameduck/deploy/ctl/measure"
	"lameduck/deploy/ctl/measure/incluster"
	"lameduck/deploy/ctl/measure/rollout"
)

// clusterFlags are the flags of measure for a load in the cluster.
type clusterFlags struct {
	inCluster bool
	image     string
	events    bool // write events instead of a summary: this is the load in the cluster
}

func (f *clusterFlags) add(flags *pflag.FlagSet) {
	flags.BoolVar(&f.inCluster, "in-cluster", false,
		"run the load as a Job in the namespace, for Services without an external address")
	flags.StringVar(&f.image, "image", "", "image of lameduckctl for --in-cluster")
	flags.BoolVar(&f.events, "events", false, "write events as JSON lines: the output of the Job of --in-cluster")
	_ = flags.MarkHidden("events") // it exists
}

// jobLoad returns a load that runs as a Job, which has changed nothing yet.
func (f *measureFlags) jobLoad(cmd *cobra.Command, cfg measure.Config, s *session) (load, error) {
	if f.cluster.image == "" {
		return nil, errors.New("--image: must be an image of lameduckctl that the cluster can pull, with --in-cluster")
	}
	spec := f.jobSpec(cfg)
	spec.Namespace = s.namespace
	if err := f.rollout.confirm(cmd, "create a Job in namespace "+s.namespace, s.context); err != nil {
		return nil, err
	}
	if err := rollout.CheckRights(cmd.Context(), s.client, s.namespace, spec.Rights()); err != nil {
		return nil, err
	}
	return incluster.New(s.client, spec), nil
}

// jobSpec returns the Job for the flags. Anything that may be secret goes into its Secret.
func (f *measureFlags) jobSpec(cfg measure.Config) incluster.Spec {
	spec := incluster.Spec{Image: f.cluster.image, Duration: f.duration, Secrets: map[string]string{},
		Files: map[string][]byte{}}
	add := func(flag, value string) { spec.Args = append(spec.Args, "--"+flag+"="+incluster.Literal(value)) }
	secret := func(flag, key, value string) {
		spec.Secrets[key] = value
		spec.Args = append(spec.Args, "--"+flag+"=$("+key+")")
	}
	spec.Args = []string{"measure"}
	if plain := (&url.URL{Scheme: cfg.URL.Scheme, Host: cfg.URL.Host, Path: cfg.URL.Path}); *plain == *cfg.URL {
		spec.Args = append(spec.Args, incluster.Literal(cfg.URL.String()))
	} else {
		spec.Secrets["URL"] = cfg.URL.String()
		spec.Args = append(spec.Args, "$(URL)")
	}
	spec.Args = append(spec.Args, "--events", "--max-lost=-1")
	add("for", f.duration.String())
	add("rate", strconv.FormatFloat(f.rate, 'g', -1, 64))
	add("max-requests", strconv.Itoa(f.maxRequests))
	add("max-failures", strconv.Itoa(f.maxFailures))
	add("timeout", f.timeout.String())
	add("connections", strconv.Itoa(f.connections))
	add("expect", f.expect)
	for flag, value := range map[string]string{"protocols": strings.Join(f.protocols, ","), "grpc-service": f.grpcService,
		"pod-header": f.podHeader} {
		if value != "" {
			add(flag, value)
		}
	}
	add("pin-addresses", strconv.FormatBool(f.pin))
	add("insecure", strconv.FormatBool(f.request.insecure))
	f.addPost(cfg, &spec, secret)
	n := 0
	for name, values := range cfg.Header {
		for _, v := range values {
			n++
			secret("header", "HEADER_"+strconv.Itoa(n), name+": "+v)
		}
	}
	if f.request.ca != "" {
		if text, err := os.ReadFile(f.request.ca); err == nil { // it has been read before
			spec.Files["CA"] = text
			add("ca", incluster.Dir+"/CA")
		}
	}
	slices.Sort(spec.Args[2:])
	return spec
}

// addPost adds the POST requests.
func (f *measureFlags) addPost(cfg measure.Config, spec *incluster.Spec, secret func(flag, key, value string)) {
	if cfg.Post == nil {
		return
	}
	secret("post", "POST", cmp.Or(cfg.Post.URL.RequestURI(), "/"))
	if len(cfg.Post.Body) > 0 {
		spec.Files["BODY"] = cfg.Post.Body
		spec.Args = append(spec.Args, "--body=@"+incluster.Dir+"/BODY",
			"--content-type="+incluster.Literal(f.request.contentType))
	}
}

// eventPeriod is how often a load in the cluster writes its counts.
const eventPeriod = time.Second

// sendEvents sends the load and writes its events to standard output. It is what the Job runs.
func (f *measureFlags) sendEvents(cmd *cobra.Command, cfg measure.Config) error {
	m, err := measure.New(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if err := incluster.WriteEvent(out, incluster.Event{Began: true}); err != nil {
		return fmt.Errorf("write an event: %w", err)
	}
	counting, stop := context.WithCancel(cmd.Context())
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() {
		for sleep(counting, eventPeriod) {
			requests, lost := m.Counts()
			if incluster.WriteEvent(out, incluster.Event{Requests: requests, Lost: lost}) != nil {
				return // the report fails, too
			}
		}
	})
	f.quiet = true
	report, err := f.load(cmd, &localLoad{Measurement: m})
	stop()
	wg.Wait()
	if err != nil {
		return err
	}
	return incluster.WriteEvent(out, incluster.Event{Requests: report.Requests, Lost: report.Lost, Report: report})
}
