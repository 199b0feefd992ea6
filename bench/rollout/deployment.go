package rollout

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"lameduck/bench/internal/wait"
)

// defaultReadyTimeout is short compared with Kubernetes' progress deadline of ten minutes, since
// local processes start quickly or not at all.
const defaultReadyTimeout = 30 * time.Second

// Endpoints is a load balancer. Its methods may be called concurrently.
type Endpoints interface {
	Add(ctx context.Context, addr string) error
	Remove(ctx context.Context, addr string) error
}

// A Deployment runs a number of pods and replaces them one after the other. It is used by one
// goroutine.
type Deployment struct {
	// Kubelet runs the pods. It is required.
	Kubelet *Kubelet
	// Endpoints gets the address of each pod that is ready, and loses that of each pod that is
	// stopped. It is required.
	Endpoints Endpoints
	// Template returns the n-th pod, counted from 0. No two pods may use the same addresses. It is
	// required.
	Template func(n int) (Spec, error)
	// MinReady is how long a new pod must have been ready before an old pod is stopped.
	MinReady time.Duration
	// ReadyTimeout bounds the time until a new pod is ready. Zero or less means 30 s.
	ReadyTimeout time.Duration

	pods []*Pod
	made int
}

// A Report describes a finished rolling update.
type Report struct {
	// Began is when the first new pod was started. Ended is when the last process of the last old
	// pod had ended.
	Began, Ended time.Time
	// Replaced are the old pods in the order in which they were stopped.
	Replaced []Replaced
}

// Replaced describes the termination of an old pod.
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

// Update replaces every pod and returns when the old pods have ended. If a new pod does not become
// ready or ctx is done, no further pod is replaced and Update returns an error.
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

// replace starts a new pod in place of the i-th one, and returns when it has been ready for
// MinReady.
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

// end removes a pod from the load balancer and terminates it, both at the same moment.
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
		return nil, fmt.Errorf("create pod %d: %w", d.made, err)
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
