package rollout

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// errClosed is returned by Start after Close.
var errClosed = errors.New("the kubelet is closed")

// A Kubelet starts pods. It leaves no process behind.
type Kubelet struct {
	logs    string
	disarm  func() bool // stops watching the context
	closing sync.Once

	mu     sync.Mutex
	procs  []child
	closed bool
}

// NewKubelet returns a kubelet. Its processes are killed when ctx is done or Close is called; Close
// must be called. The output of each container goes to the file POD-CONTAINER.log in the directory
// logs. If logs is empty, output is discarded.
func NewKubelet(ctx context.Context, logs string) *Kubelet {
	k := &Kubelet{logs: logs}
	k.disarm = context.AfterFunc(ctx, k.killAll)
	return k
}

// Close kills every process that is still running, and returns when all have ended.
func (k *Kubelet) Close() {
	k.closing.Do(func() {
		k.disarm()
		k.killAll()
		for _, p := range k.procs { // final, since killAll has set closed
			<-p.exited()
		}
	})
}

// killAll kills every process. No other can be started afterwards.
func (k *Kubelet) killAll() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	for _, p := range k.procs {
		p.Kill()
	}
}

// Start starts the pod's sidecars, one after the other, and then its containers. If one cannot be
// started, the others are killed.
func (k *Kubelet) Start(ctx context.Context, s Spec) (*Pod, error) {
	p := &Pod{spec: s}
	if err := k.startAll(ctx, p); err != nil {
		p.kill()
		return nil, fmt.Errorf("start pod %s: %w", s.Name, err)
	}
	return p, nil
}

func (k *Kubelet) startAll(ctx context.Context, p *Pod) error {
	for _, c := range p.spec.Sidecars {
		started, err := k.start(p.spec.Name, c)
		if err != nil {
			return err
		}
		p.sidecars = append(p.sidecars, started)
		if err := started.await(ctx, c.Startup); err != nil {
			return err
		}
	}
	for _, c := range p.spec.Containers {
		started, err := k.start(p.spec.Name, c)
		if err != nil {
			return err
		}
		p.containers = append(p.containers, started)
	}
	return nil
}

func (k *Kubelet) start(pod string, c Container) (*container, error) {
	output, err := k.output(pod, c)
	if err != nil {
		return nil, err
	}
	defer output.Close() // the process has its own descriptor
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil, errClosed
	}
	p, err := launch(c, output)
	if err != nil {
		return nil, err
	}
	k.procs = append(k.procs, p)
	return &container{Container: c, process: p, output: output.Name()}, nil
}

// output returns the file that the container writes to.
func (k *Kubelet) output(pod string, c Container) (*os.File, error) {
	name := os.DevNull
	if k.logs != "" {
		name = filepath.Join(k.logs, pod+"-"+c.Name+".log")
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("create the log of container %s: %w", c.Name, err)
	}
	return f, nil
}
