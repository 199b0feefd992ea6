package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"lameduck/bench/internal/command"
)

// target bounds the 99th percentile.
const target = 10 * time.Millisecond

func main() { command.Main("webhook", run) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("webhook", flag.ContinueOnError)
	flags.SetOutput(stderr)
	rate := flags.Int("rate", 1000, "AdmissionReviews per `second`, at most 10,000")
	last := flags.Duration("for", time.Minute, "`duration`, at most 10m")
	conns := flags.Int("connections", 32, "`number` of connections, at most 256")
	binary := flags.String("binary", "", "`path` of lameduckctl (default: build ./cmd/lameduckctl)")
	guard := flags.Bool("guard", false, "fail if the target is missed")
	err := command.Parse(flags, args, func() error {
		if *rate < 1 || *rate > 10_000 || *last <= 0 || *last > 10*time.Minute || *conns < 1 || *conns > 256 {
			return errors.New("-rate, -for or -connections is out of range: see -h")
		}
		return nil
	})
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "lameduck-load")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, err := start(ctx, dir, *binary)
	if err != nil {
		return err
	}
	defer p.Stop()
	l := &load{url: "https://" + p.requests + "/mutate?timeout=2s", rate: *rate, last: *last,
		client: newClient(p.roots, *conns)}
	defer l.client.CloseIdleConnections()
	before := p.cpu()
	l.run(ctx)
	used := p.cpu() - before
	now, most := p.memory()
	return l.report(stdout, used, now, most, *guard)
}

func newClient(roots *x509.CertPool, conns int) *http.Client {
	return &http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: host}, MaxConnsPerHost: conns,
			MaxIdleConnsPerHost: conns, DisableCompression: true,
		},
	}
}

// report prints the measurements.
func (l *load) report(out io.Writer, cpu time.Duration, now, most string, guard bool) error {
	if len(l.took) == 0 {
		return fmt.Errorf("no response: %w", l.fault)
	}
	slices.Sort(l.took)
	at := func(share float64) time.Duration {
		return l.took[int(share*float64(len(l.took)-1))].Round(10 * time.Microsecond)
	}
	fmt.Fprintf(out, "%d answers at %d a second, %d of them without a patch, %d requests failed\n",
		len(l.took), l.rate, l.unpatched, l.failed)
	fmt.Fprintf(out, "latency: p50 %s, p99 %s, p99.9 %s, max %s\n", at(.5), at(.99), at(.999), at(1))
	fmt.Fprintf(out, "webhook: CPU %s per review (%.0f %% of one core), resident %s, at most %s\n",
		(cpu / time.Duration(len(l.took))).Round(time.Microsecond),
		100*cpu.Seconds()/l.lasted.Seconds(),
		now, most)
	if l.fault != nil {
		fmt.Fprintln(out, "the first failure:", l.fault)
	}
	if guard && (at(.99) >= target || l.failed > 0 || l.unpatched > 0) {
		return fmt.Errorf("missed: a 99th percentile below %s, and a patch in every answer", target)
	}
	return nil
}
