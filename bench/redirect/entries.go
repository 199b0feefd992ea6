package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// measureEntries prints how many entries the table of connections has under new connections.
func (o options) measureEntries(ctx context.Context, dir string, stdout io.Writer) error {
	fmt.Fprintf(stdout, "%d new connections a second from %d addresses for %v; room for %s entries\n\n",
		o.rate, clients, o.last, readNumber("/proc/sys/net/netfilter/nf_conntrack_max"))
	fmt.Fprintln(stdout, "| way | most entries | requests | failed | per second |\n| --- | ---: | ---: | ---: | ---: |")
	var reasons []string
	for n, way := range []string{"move", "plain", "redirect"} { // one after the other, to have the machine
		one := options{lameduck: o.lameduck}
		err := one.withPods(ctx, fmt.Sprintf("%s/%d", dir, n), []string{way}, func(pods []*pod) error {
			r := pods[0].connect(ctx, o.rate, o.last)
			fmt.Fprintf(stdout, "| %s | %d | %d | %d | %.0f |\n", way, r.most, r.answered.Load(), r.failed.Load(),
				float64(r.answered.Load())/o.last.Seconds())
			reasons = append(reasons, r.reasons(way)...)
			return ctx.Err()
		})
		if err != nil {
			return err
		}
	}
	if len(reasons) > 0 {
		fmt.Fprintf(stdout, "\nWhy requests failed:\n\n%s\n", strings.Join(reasons, "\n"))
	}
	return nil
}

func readNumber(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "an unknown number of"
	}
	return strings.TrimSpace(string(text))
}

// A result is that of a load of new connections.
type result struct {
	answered, failed atomic.Int64
	most             int // entries

	mu     sync.Mutex
	errors map[string]int // failed requests by their reason
}

// fail counts a failed request.
func (r *result) fail(err error) {
	r.failed.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.errors == nil {
		r.errors = make(map[string]int)
	}
	r.errors[reason(err)]++
}

// reason returns what failed and why, without addresses.
func reason(err error) string {
	if failed, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Sprintf("%s: %v", failed.Op, failed.Err)
	}
	return err.Error()
}

// reasons returns a line for each reason.
func (r *result) reasons(way string) (lines []string) {
	for _, why := range slices.Sorted(maps.Keys(r.errors)) {
		lines = append(lines, fmt.Sprintf("- %s: %d times %s", way, r.errors[why], why))
	}
	return lines
}

// connect sends requests on new connections, at a rate and for a time.
func (p *pod) connect(ctx context.Context, rate int, d time.Duration) *result {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	r := &result{}
	var running sync.WaitGroup
	for _, source := range p.sources {
		dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}, Timeout: 10 * time.Second}
		running.Go(func() { p.connectFrom(ctx, dialer, time.Second*clients/time.Duration(rate), r) })
	}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for ctx.Err() == nil {
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
		r.most = max(r.most, p.entries())
	}
	running.Wait()
	return r
}

// connectFrom sends a request in each interval, whether those before have been answered or not.
func (p *pod) connectFrom(ctx context.Context, dialer *net.Dialer, interval time.Duration, r *result) {
	var running sync.WaitGroup
	defer running.Wait()
	begun := time.Now()
	for n := 1; ; n++ {
		select {
		case <-time.After(time.Until(begun.Add(time.Duration(n) * interval))):
		case <-ctx.Done():
			return
		}
		running.Go(func() {
			if err := request(dialer, p.host); err != nil {
				r.fail(err)
			} else {
				r.answered.Add(1)
			}
		})
	}
}

// request sends one request and reads the answer to the end.
func request(dialer *net.Dialer, host string) error {
	c, err := dialer.Dial("tcp", host)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n"); err != nil {
		return err
	}
	answer, err := io.ReadAll(c)
	if err == nil && !strings.HasPrefix(string(answer), "HTTP/1.1 200") {
		err = fmt.Errorf("answered %.20q", answer)
	}
	return err
}

// entries returns how many the namespace has, or 0 if it has no table.
func (p *pod) entries() int {
	const count = "/proc/sys/net/netfilter/nf_conntrack_count"
	out, err := exec.Command("ip", "netns", "exec", p.name, "cat", count).Output()
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(out)))
	return n
}
