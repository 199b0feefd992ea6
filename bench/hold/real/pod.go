package real

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"lameduck/bench/internal/proc"
	"lameduck/bench/port"
)

// A pod is the program in front of an app.
type pod struct {
	addr, admin string
	duck        *proc.Process
	app         *http.Server
	dir         string
}

// startPod returns when the program is ready.
func startPod(ctx context.Context, lameduck, dir string) (*pod, error) {
	var addrs [3]string
	for i := range addrs {
		var err error
		if addrs[i], err = port.Addr(); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &pod{addr: addrs[0], admin: addrs[1], dir: dir}
	p.app = &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go p.app.Serve(l)
	p.duck, err = proc.Start(proc.Command{Path: lameduck, Args: []string{"serve"}, Env: []string{
		"LAMEDUCK_ROUTES=" + addrs[0] + "=" + l.Addr().String(),
		"LAMEDUCK_ADMIN=" + addrs[1],
		"LAMEDUCK_CONTROL=" + addrs[2],
		"LAMEDUCK_GRACE_PERIOD=120s", // Max is 112 s
		"LAMEDUCK_HOLD_MIN=5s",
		"LAMEDUCK_HOLD_QUIET=5s",
		"LAMEDUCK_TERMINATION_LOG=" + p.terminationLog(),
	}})
	if err == nil {
		err = p.duck.Await(ctx, "ready", func(ctx context.Context) error { return p.get(ctx, "/readyz") })
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *pod) terminationLog() string { return filepath.Join(p.dir, "termination-log") }

// get returns an error unless the admin address answers with 200.
func (p *pod) get(ctx context.Context, path string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.admin+path, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: status %d", path, resp.StatusCode)
	}
	return nil
}

// drain begins a drain and returns when the hold has ended and the app with it.
func (p *pod) drain(ctx context.Context) error {
	held := make(chan error, 1)
	go func() { held <- p.get(ctx, "/hold") }()
	if err := p.duck.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	err := <-held
	p.app.Close()
	return err
}

// summary returns what the program has reported of the drain when it ends.
func (p *pod) summary() string {
	p.duck.Signal(syscall.SIGTERM) // in case it has not seen the end of the app
	select {
	case <-p.duck.Exited():
	case <-time.After(exchangeTimeout):
	}
	text, err := os.ReadFile(p.terminationLog())
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text))
}

func (p *pod) close() {
	p.app.Close()
	if p.duck != nil {
		p.duck.Stop()
	}
}
