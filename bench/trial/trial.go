package trial

import (
	"context"
	"fmt"

	"lameduck/bench/balancer"
	"lameduck/bench/internal/port"
	"lameduck/bench/internal/wait"
	"lameduck/bench/load"
	"lameduck/bench/rollout"
)

// keepalive is how many idle connections the load balancer keeps to each pod: the number in nginx' own examples of
// a busy site, and more than the demo's load has in flight.
const keepalive = 32

// Run measures one rolling update and returns when everything that it started has ended. Its error tells what kept
// the update from being done or measured; lost requests are no error.
func Run(ctx context.Context, c Config) (*Result, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	lb, err := balancer.Start(balancer.Config{Keepalive: keepalive, Retries: c.Retries})
	if err != nil {
		return nil, err
	}
	defer lb.Close()
	ctx, cancel := context.WithCancel(ctx)
	late := balancer.NewLate(lb, c.Lag)
	defer late.Wait()
	k := rollout.NewKubelet(ctx, c.Logs)
	defer k.Close()
	defer cancel() // runs first: what waits for a lag or a hook stops waiting
	r, err := c.measure(ctx, lb, late, c.deployment(k, late))
	if err != nil {
		return nil, fmt.Errorf("strategy %s: %w", c.Strategy.Name, err)
	}
	return r, nil
}

func (c Config) deployment(k *rollout.Kubelet, e rollout.Endpoints) *rollout.Deployment {
	b := builder{programs: c.Programs, ports: new(port.Picker), logs: c.Logs}
	return &rollout.Deployment{
		Kubelet:   k,
		Endpoints: e,
		MinReady:  c.MinReady,
		Template: func(n int) (rollout.Spec, error) {
			b.name = fmt.Sprintf("pod%d", n)
			return c.Strategy.pod(b)
		},
	}
}

// measure starts the pods, then the load, and replaces the pods under it.
func (c Config) measure(ctx context.Context, lb *balancer.Balancer, late *balancer.Late, d *rollout.Deployment) (*Result, error) {
	if err := d.Start(ctx, c.Replicas); err != nil {
		return nil, err
	}
	loaded := c.startLoad(ctx, lb)
	r := &Result{Strategy: c.Strategy.Name}
	err := c.update(ctx, d, late, r)
	if err != nil {
		lb.Close() // nobody waits for the answers that are out
	}
	var loadErr error
	if r.Load, loadErr = loaded(); loadErr != nil {
		return nil, loadErr
	}
	return r, err
}

// startLoad begins to send requests. The function that it returns ends that and returns what became of them.
func (c Config) startLoad(ctx context.Context, lb *balancer.Balancer) func() (*load.Result, error) {
	type outcome struct {
		*load.Result
		error
	}
	ctx, stop := context.WithCancel(ctx)
	done := make(chan outcome, 1)
	go func() {
		r, err := load.Run(ctx, load.Config{Addr: lb.Addr(), Arrivals: load.Constant(c.Rate), Requests: c.Requests})
		done <- outcome{r, err}
	}()
	return func() (*load.Result, error) {
		stop()
		o := <-done
		return o.Result, o.error
	}
}

// update replaces the pods, and returns some time after the load balancer has heard of everything.
func (c Config) update(ctx context.Context, d *rollout.Deployment, late *balancer.Late, r *Result) (err error) {
	if err := wait.For(ctx, c.Calm); err != nil {
		return err
	}
	if r.Rollout, err = d.Update(ctx); err != nil {
		return err
	}
	if r.Removals, err = late.Wait(); err != nil {
		return err
	}
	return wait.For(ctx, tail)
}
