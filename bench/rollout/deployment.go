package rollout

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"lameduck/bench/internal/wait"
)

// defaultReadyTimeout is short against Kubernetes' progress deadline of ten minutes: local processes start in
// moments, or not at all.
const defaultReadyTimeout = 30 * time.Second

// Endpoints is a load balancer that is told which addresses to send requests to. Both methods may be called by
// several goroutines at once.
type Endpoints interface {
	Add(ctx context.Context, addr string) error
	Remove(ctx context.Context, addr string) error
}

// Deployment keeps a number of pods and replaces them one after the other. It is used by one goroutine.
type Deployment struct {
	// Kubelet runs the pods. It must be set.
	Kubelet *Kubelet
	// Endpoints is told of each pod that is ready and of each that ends. It must be set.
	Endpoints Endpoints
	// Template returns the n-th pod, n counting from 0. No two may use the same addresses. It must be set.
	Template func(n int) (Spec, error)
	// MinReady is how long a new pod must have been ready before an old one is ended for it. Zero: no time at all.
	MinReady time.Duration
	// ReadyTimeout bounds the time that a pod takes to start and become ready. Zero or less means 30 s.
	ReadyTimeout time.Duration

	pods []*Pod
	made int
}

// Report is a rolling update that has come to its end.
type Report struct {
	// Began is when the first new pod was started, Ended when the last process of the last old pod had ended.
	Began, Ended time.Time
	// Replaced are the old pods in the order in which they were ended.
	Replaced []Replaced
}

// Replaced is an old pod and its end.
type Replaced struct {
	Addr string
	Termination
}

// Start starts the given number of pods, one after the other, and adds each when it is ready.
func (d *Deployment) Start(ctx context.Context, replicas int) error {
	for range replicas {
		p, err := d.launch(ctx)
		if err != nil {
			return err
		}
		d.pods = append(d.pods, p)
	}
	return nil
}

// Update replaces every pod and returns when the old ones have ended. When a new pod does not become ready, or ctx
// is done, no further pod is replaced and the error tells why.
func (d *Deployment) Update(ctx context.Context) (Report, error) {
	r := Report{Began: time.Now(), Replaced: make([]Replaced, len(d.pods))}
	errs := make([]error, len(d.pods))
	var stuck error
	var ends sync.WaitGroup
	replaced := 0
	for i, old := range d.pods {
		if stuck = d.replace(ctx, i); stuck != nil {
			break
		}
		ends.Go(func() { r.Replaced[i], errs[i] = d.end(ctx, old) })
		replaced++
	}
	ends.Wait()
	r.Ended, r.Replaced = time.Now(), r.Replaced[:replaced]
	return r, errors.Join(stuck, errors.Join(errs...))
}

// replace puts a new pod in the place of the i-th one and returns when it has been ready for long enough.
func (d *Deployment) replace(ctx context.Context, i int) error {
	p, err := d.launch(ctx)
	if err != nil {
		return err
	}
	d.pods[i] = p
	if err := wait.For(ctx, d.MinReady); err != nil {
		return fmt.Errorf("wait until pod %s is available: %w", p.spec.Name, err)
	}
	return nil
}

// end tells the load balancer and the kubelet of a pod's end at the same moment.
func (d *Deployment) end(ctx context.Context, p *Pod) (Replaced, error) {
	removed := make(chan error, 1)
	go func() { removed <- d.Endpoints.Remove(ctx, p.Addr()) }()
	t := p.Terminate(ctx)
	return Replaced{Addr: p.Addr(), Termination: t}, <-removed
}

// launch starts the next pod, waits until it is ready and adds it to the load balancer.
func (d *Deployment) launch(ctx context.Context) (*Pod, error) {
	s, err := d.Template(d.made)
	if err != nil {
		return nil, fmt.Errorf("make pod %d: %w", d.made, err)
	}
	d.made++
	starting, cancel := context.WithTimeout(ctx, d.readyTimeout())
	defer cancel()
	p, err := d.Kubelet.Start(starting, s)
	if err != nil {
		return nil, err
	}
	if err := p.Ready(starting); err != nil {
		p.kill()
		return nil, err
	}
	return p, d.Endpoints.Add(ctx, p.Addr())
}

func (d *Deployment) readyTimeout() time.Duration {
	if d.ReadyTimeout <= 0 {
		return defaultReadyTimeout
	}
	return d.ReadyTimeout
}
