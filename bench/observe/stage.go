package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"lameduck/bench/internal/proc"
	"lameduck/bench/port"
)

// A stage is an app, and the programs that connect to it.
type stage struct {
	ctx       context.Context //nolint:containedctx // it ends the programs of the stage
	app       string          // its address
	processes []*proc.Process
	callers   []*proc.Process // of them: those that keep sockets
}

func newStage(ctx context.Context) (*stage, error) {
	s := &stage{ctx: ctx}
	var err error
	if s.app, err = port.Addr(); err != nil {
		return nil, err
	}
	if err := s.start("app", s.app); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *stage) stop() {
	for _, p := range slices.Backward(s.processes) {
		p.Stop()
	}
}

// start starts a role of this program and returns when it is ready.
func (s *stage) start(role string, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return s.launch(self, append([]string{role}, args...)...)
}

// startElsewhere starts a role in a network namespace of its own.
func (s *stage) startElsewhere(role string, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return s.launch("unshare", append([]string{"--net", self, role}, args...)...)
}

func (s *stage) launch(path string, args ...string) error {
	var out output
	p, err := proc.Start(proc.Command{Path: path, Args: args, Env: os.Environ(), Stdout: &out})
	if err != nil {
		return err
	}
	s.processes = append(s.processes, p)
	for deadline := time.Now().Add(connectTimeout); !strings.Contains(out.String(), ready); {
		select {
		case <-p.Exited():
			return p.Failure("connect", errors.New("it has ended"))
		case <-time.After(pollPeriod):
		case <-s.ctx.Done():
			return context.Cause(s.ctx)
		}
		if time.Now().After(deadline) {
			return p.Failure("connect", errors.New("it takes too long"))
		}
	}
	return nil
}

const (
	connectTimeout = 2 * time.Minute // for many connections
	pollPeriod     = 20 * time.Millisecond
)

// runRole runs a role of this program until it ends.
func (s *stage) runRole(out *output, role string, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	p, err := proc.Start(proc.Command{
		Path: self, Args: append([]string{role}, args...), Env: os.Environ(), Stdout: out,
	})
	if err != nil {
		return err
	}
	defer p.Stop()
	return p.Wait(s.ctx)
}

// An output keeps what a program prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// A lameduck observes the app.
type lameduck struct {
	*proc.Process
	admin string
}

// startLameduck starts one that observes the app and the ports of more addresses.
func (s *stage) startLameduck(ctx context.Context, binary string, more ...string) (*lameduck, error) {
	d := new(lameduck)
	ports := portOf(s.app)
	for _, address := range more {
		ports += "," + portOf(address)
	}
	control, err := port.Addr()
	if err != nil {
		return nil, err
	}
	if d.admin, err = port.Addr(); err != nil {
		return nil, err
	}
	if d.Process, err = proc.Start(proc.Command{Path: binary, Args: []string{"serve"}, Env: []string{
		"LAMEDUCK_OBSERVE=" + ports, "LAMEDUCK_ADMIN=" + d.admin, "LAMEDUCK_CONTROL=" + control,
		"LAMEDUCK_HOLD_MIN=1m", "LAMEDUCK_GRACE_PERIOD=3m", // of drains that end with the measurement
	}}); err != nil {
		return nil, err
	}
	err = d.Await(ctx, "serve", func(ctx context.Context) error {
		_, err := d.metric(ctx, "lameduck_observe_looks_total")
		return err
	})
	if err != nil {
		d.Stop()
		return nil, err
	}
	return d, nil
}

// drain begins a drain.
func (d *lameduck) drain(ctx context.Context) error {
	if err := d.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return d.Await(ctx, "drain", func(ctx context.Context) error {
		draining, err := d.metric(ctx, `lameduck_phase{phase="draining"}`)
		if err == nil && draining == 0 {
			err = errors.New("it still serves")
		}
		return err
	})
}

func portOf(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }

// client asks lameduck for its metrics.
var client = http.Client{Timeout: time.Minute}

// metric returns the value of a metric.
func (d *lameduck) metric(ctx context.Context, name string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.admin+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	request.Close = true
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	for l := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(l), name+" "); ok {
			n, err := strconv.ParseFloat(value, 64)
			return int(n), err
		}
	}
	return 0, fmt.Errorf("no metric %s", name)
}
