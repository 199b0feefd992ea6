package trial

import (
	"context"
	"fmt"
	"os"

	"lameduck/bench/balancer"
	"lameduck/bench/internal/wait"
	"lameduck/bench/load"
	"lameduck/bench/rollout"
)

// Run measures one rolling update and returns when everything that it started has ended. It returns
// an error if the update could not be done or measured, for example load.ErrTooSlow, or the
// context's error and what failed because of it. Lost requests are not an error.
func Run(ctx context.Context, c Config) (*Result, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	dir := c.Logs
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "trial-"); err != nil {
			return nil, fmt.Errorf("create a working directory: %w", err)
		}
		defer os.RemoveAll(dir)
	}
	r, err := c.withDefaults().run(ctx, dir)
	if err != nil && ctx.Err() != nil { // what notices that first fails with an error of its own
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	}
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
	defer cancel() // runs first, and ends waits for lags and hooks
	logs := make(terminationLogs)
	return c.measure(ctx, fleet, logs, c.deployment(k, fleet, dir, logs))
}

func (c Config) deployment(
	k *rollout.Kubelet, e rollout.Endpoints, dir string, logs terminationLogs,
) *rollout.Deployment {
	b := builder{
		application: c.App, programs: c.Programs, grace: c.Grace, logs: dir,
	}
	return &rollout.Deployment{
		Kubelet:   k,
		Endpoints: e,
		MinReady:  c.MinReady,
		Template: func(n int) (rollout.Spec, error) {
			b.name = fmt.Sprintf("pod%d", n)
			spec, err := c.Strategy.pod(b)
			logs[spec.Addr] = b.terminationLog()
			return spec, err
		},
	}
}

// measure starts the pods, then the load, and replaces the pods under it.
func (c Config) measure(
	ctx context.Context, f *balancer.Fleet, logs terminationLogs, d *rollout.Deployment,
) (*Result, error) {
	if err := d.Start(ctx, c.Replicas); err != nil {
		return nil, err
	}
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	loaded := c.startLoad(ctx, f, giveUp) // an update without load is useless
	r := &Result{Strategy: c.Strategy.Name, App: c.App.Name}
	err := c.update(ctx, d, f, r)
	if err != nil {
		f.Close() // do not wait for outstanding responses
	}
	var loadErr error
	if r.Load, loadErr = loaded(); loadErr != nil {
		return nil, loadErr
	}
	if err != nil {
		return nil, err
	}
	r.Messages, err = logs.read(r.Rollout.Replaced)
	return r, err
}

// startLoad starts the load and returns a function that stops it and returns its result. If the
// load fails, failed is called at once.
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

// update replaces the pods. It returns some time after the load balancers have made the last
// change.
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
