package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"lameduck/bench/internal/proc"
	"lameduck/bench/internal/program"
	"lameduck/bench/port"
	"lameduck/bench/start/hold"
)

// A candidate is a program to measure.
type candidate struct {
	Title string
	Path  string // of its package
}

// lameduckPath is the package of Lameduck.
const lameduckPath = "lameduck/cmd/lameduck"

// candidates returns the programs: the empty one first, and Lameduck last.
func candidates() []candidate {
	own := func(title, name string) candidate { return candidate{title, "lameduck/bench/start/programs/" + name} }
	return []candidate{
		own("an empty program: the runtime", "empty"),
		own("net, with a listener", "listener"),
		own("net/http, with a server", "server"),
		own("client_golang, unused", "prometheus"),
		own("client_golang, with collectors and a handler", "metrics"),
		own("zap, unused", "zap"),
		own("zap, with a logger", "logger"),
		own("zap, with a logger that samples", "sampler"),
		own("netlink, with a socket", "netlink"),
		own("all of them together", "together"),
		{"lameduck serve", lameduckPath},
	}
}

// binary returns the path of the built program.
func (c candidate) binary(dir string) string { return filepath.Join(dir, filepath.Base(c.Path)) }

// build builds the program like a release.
func (c candidate) build(ctx context.Context, dir string) error {
	return program.Build(ctx, c.Path, c.binary(dir))
}

// startTimeout bounds the start of a program.
const startTimeout = 30 * time.Second

// start starts the program on the cores in set, and returns when it is ready.
func (c candidate) start(ctx context.Context, dir string, set unix.CPUSet) (*proc.Process, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if c.Path == lameduckPath {
		return startLameduck(ctx, proc.Command{Path: c.binary(dir), Cores: &set})
	}
	started := &readiness{seen: make(chan struct{})}
	p, err := proc.Start(proc.Command{Path: c.binary(dir), Stdout: started, Cores: &set})
	if err != nil {
		return nil, err
	}
	select {
	case <-started.seen:
		return p, nil
	case <-p.Exited():
		err = errors.New("it has ended")
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	p.Stop()
	return nil, p.Failure("start", err)
}

// startLameduck starts Lameduck in front of an app that is not there. It adds to the command.
func startLameduck(ctx context.Context, command proc.Command) (*proc.Process, error) {
	var addresses [4]string
	for i := range addresses {
		var err error
		if addresses[i], err = port.Addr(); err != nil {
			return nil, err
		}
	}
	app := addresses[3][strings.LastIndexByte(addresses[3], ':')+1:]
	command.Args = []string{"serve"}
	command.Env = append(command.Env,
		"LAMEDUCK_ROUTES="+addresses[0]+"="+app, "LAMEDUCK_ADMIN="+addresses[1], "LAMEDUCK_CONTROL="+addresses[2])
	p, err := proc.Start(command)
	if err != nil {
		return nil, err
	}
	err = p.Await(ctx, "serve", func(ctx context.Context) error { return alive(ctx, addresses[1]) })
	if err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

// alive returns an error unless /livez answers 200. It uses a connection of its own.
func alive(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/livez", nil)
	if err != nil {
		return err
	}
	request.Close = true
	client := http.Client{Timeout: startTimeout}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("get /livez: %s", response.Status)
	}
	return nil
}

// A readiness closes seen when a program has printed that it is ready.
type readiness struct {
	mu   sync.Mutex
	text bytes.Buffer
	seen chan struct{}
}

func (r *readiness) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.text.Len() >= len(hold.Ready)
	n, err := r.text.Write(b)
	if !before && r.text.Len() >= len(hold.Ready) {
		close(r.seen)
	}
	return n, err
}

// oneCore returns one of the cores that this process may use.
func oneCore() (unix.CPUSet, error) {
	var allowed, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return one, fmt.Errorf("read allowed cores: %w", err)
	}
	for id := range 1024 { // the size of a CPUSet
		if allowed.IsSet(id) {
			one.Set(id)
			return one, nil
		}
	}
	return one, os.ErrInvalid
}
