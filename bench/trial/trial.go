package trial

import (
	"context"
	"fmt"
	"os"

	"lameduck/bench/balancer"
	"lameduck/bench/internal/port"
	"lameduck/bench/internal/wait"
	"lameduck/bench/load"
	"lameduck/bench/rollout"
)

// Run measures one rolling update and returns when everything that it started has ended. Its error tells what kept
// the update from being done or measured, load.ErrTooSlow for instance; lost requests are no error.
func Run(ctx context.Context, c Config) (*Result, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	dir := c.Logs
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "trial-"); err != nil {
			return nil, fmt.Errorf("make a directory to work in: %w", err)
		}
		defer os.RemoveAll(dir)
	}
	r, err := c.withDefaults().run(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("strategy %s: %w", c.Strategy.Name, err)
	}
	return r, nil
}

// run measures with all files in dir.
func (c Config) run(ctx context.Context, dir string) (*Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	fleet, err := balancer.StartFleet(ctx, c.fleet(dir))
	if err != nil {
		return nil, err
	}
	defer fleet.Close()
	k := rollout.NewKubelet(ctx, c.Logs)
	defer k.Close()
	defer cancel() // runs first: what waits for a lag or a hook stops waiting
	stories := make(stories)
	return c.measure(ctx, fleet, stories, c.deployment(k, fleet, dir, stories))
}

func (c Config) deployment(k *rollout.Kubelet, e rollout.Endpoints, dir string, s stories) *rollout.Deployment {
	b := builder{shape: c.App, programs: c.Programs, ports: new(port.Picker), grace: c.Grace, logs: dir}
	return &rollout.Deployment{
		Kubelet:   k,
		Endpoints: e,
		MinReady:  c.MinReady,
		Template: func(n int) (rollout.Spec, error) {
			b.name = fmt.Sprintf("pod%d", n)
			spec, err := c.Strategy.pod(b)
			s[spec.Addr] = b.terminationLog()
			return spec, err
		},
	}
}

// measure starts the pods, then the load, and replaces the pods under it.
func (c Config) measure(ctx context.Context, f *balancer.Fleet, s stories, d *rollout.Deployment) (*Result, error) {
	if err := d.Start(ctx, c.Replicas); err != nil {
		return nil, err
	}
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	loaded := c.startLoad(ctx, f, giveUp) // an update without load is for nothing
	r := &Result{Strategy: c.Strategy.Name, App: c.App.Name}
	err := c.update(ctx, d, f, r)
	if err != nil {
		f.Close() // nobody waits for the answers that are out
	}
	var loadErr error
	if r.Load, loadErr = loaded(); loadErr != nil {
		return nil, loadErr
	}
	if err != nil {
		return nil, err
	}
	r.Stories, err = s.of(r.Rollout.Replaced)
	return r, err
}

// startLoad begins to send requests. The function that it returns ends that and returns what became of them. A load that
// fails says so as soon as it does.
func (c Config) startLoad(ctx context.Context, f *balancer.Fleet, failed func()) func() (*load.Result, error) {
	type outcome struct {
		*load.Result
		error
	}
	ctx, stop := context.WithCancel(ctx)
	done := make(chan outcome, 1)
	go func() {
		r, err := load.Run(ctx, c.load(f))
		if err != nil {
			failed()
		}
		done <- outcome{r, err}
	}()
	return func() (*load.Result, error) {
		stop()
		o := <-done
		return o.Result, o.error
	}
}

// update replaces the pods, and returns some time after the load balancers have heard of everything.
func (c Config) update(ctx context.Context, d *rollout.Deployment, f *balancer.Fleet, r *Result) (err error) {
	if err := wait.For(ctx, c.Calm); err != nil {
		return err
	}
	if r.Rollout, err = d.Update(ctx); err != nil {
		return err
	}
	if r.Removals, err = f.Wait(); err != nil {
		return err
	}
	return wait.For(ctx, tail)
}
