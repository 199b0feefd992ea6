package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"lameduck/bench/internal/command"
	"lameduck/bench/internal/program"
)

func main() { command.Main("redirect", run) }

// options configure a run.
type options struct {
	conntrack bool
	rounds    int
	load      time.Duration // of each measurement of CPU
	rate      int           // connections a second, for the entries
	last      time.Duration // of that load
	lameduck  string
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parseOptions(args, stderr)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "lameduck-redirect")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // for the app's workers
		return err
	}
	if o.lameduck == "" {
		o.lameduck = filepath.Join(dir, "lameduck")
		if err := program.Build(ctx, "lameduck/cmd/lameduck", o.lameduck); err != nil {
			return err
		}
	}
	if o.conntrack {
		return o.measureEntries(ctx, dir, stdout)
	}
	return o.measureCPU(ctx, dir, stdout)
}

func parseOptions(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("redirect", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.BoolVar(&o.conntrack, "conntrack", false, "count the entries of the kernel's table of connections")
	flags.IntVar(&o.rounds, "rounds", 5, "`number` of measurements of CPU")
	flags.DurationVar(&o.load, "duration", 3*time.Second, "`time` of load of each")
	flags.IntVar(&o.rate, "rate", 2000, "new connections per `second`, with -conntrack")
	flags.DurationVar(&o.last, "for", 3*time.Minute, "`duration` of that load")
	flags.StringVar(&o.lameduck, "lameduck", "", "`path` of lameduck (default: build ./cmd/lameduck)")
	err = command.Parse(flags, args, func() error {
		switch {
		case o.rounds < 1 || o.load < time.Second || o.rate < 1 || o.rate > 20_000 || o.last < time.Second:
			return errors.New("-rounds, -duration, -rate or -for is out of range: see -h")
		case os.Getuid() != 0:
			return errors.New("needs root, for network namespaces")
		}
		return nil
	})
	return o, err
}

// withPods calls f with a pod for each way.
func (o options) withPods(ctx context.Context, dir string, ways []string, f func([]*pod) error) error {
	var pods []*pod
	defer func() {
		for _, p := range pods {
			p.stop()
		}
	}()
	for n, way := range ways {
		p, err := startPod(ctx, way, n, dir, o.lameduck)
		if err != nil {
			return fmt.Errorf("start the pod of %s: %w", way, err)
		}
		pods = append(pods, p)
	}
	return f(pods)
}
