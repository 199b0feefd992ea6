package rollout

import (
	"context"
	"sync"
	"syscall"
	"time"
)

// minimumGrace is the least time between the stop signal and SIGKILL, even if hooks have used up
// the grace period (minimumGracePeriodInSeconds in the kubelet).
const minimumGrace = 2 * time.Second

// Termination describes how a pod ended.
type Termination struct {
	// T0 is when the termination began.
	T0 time.Time
	// Took is the time from T0 until the last process had ended.
	Took time.Duration
	// Events are the steps in their order.
	Events []Event
}

// Terminate stops the pod as the kubelet does, and returns when all its processes have ended. When
// ctx is done, hooks are interrupted and the termination continues.
func (p *Pod) Terminate(ctx context.Context) Termination {
	t := termination{grace: p.spec.grace(), record: record{start: time.Now()}}
	// A hook is interrupted only when the whole pod has ended.
	ctx, podGone := context.WithCancel(ctx)
	var stops sync.WaitGroup
	for _, c := range p.all() {
		stops.Go(func() { t.stop(ctx, c, p.before(c)) })
	}
	stops.Wait()
	took := time.Since(t.start)
	podGone()
	t.hooks.Wait()
	return Termination{T0: t.start, Took: took, Events: t.events}
}

// before returns the containers that must end before c gets its stop signal. There are none unless
// c is a sidecar.
func (p *Pod) before(c *container) []*container {
	for i, s := range p.sidecars {
		if s == c {
			return append(p.sidecars[i+1:len(p.sidecars):len(p.sidecars)], p.containers...)
		}
	}
	return nil
}

// A termination is a termination in progress.
type termination struct {
	record
	grace time.Duration
	hooks sync.WaitGroup // including those that outlasted the grace period
}

// stop stops one container after those in first have ended.
func (t *termination) stop(ctx context.Context, c *container, first []*container) {
	select {
	case <-c.exited():
		t.note(c, Exited, c.state())
		return // the kubelet stops only running containers
	default:
	}
	left := t.grace
	left -= wholeSeconds(t.runHook(ctx, c, left))
	left -= wholeSeconds(awaitTurn(first, left))
	t.signal(c, max(left, minimumGrace))
}

// runHook runs the container's hook, if it has one, and returns how long it took.
func (t *termination) runHook(ctx context.Context, c *container, grace time.Duration) time.Duration {
	if c.PreStop == nil {
		return 0
	}
	began := time.Now()
	t.note(c, HookStarted, "")
	done := make(chan error, 1)
	t.hooks.Go(func() { done <- c.runPreStop(ctx) })
	expired := time.NewTimer(grace)
	defer expired.Stop()
	select {
	case err := <-done:
		t.noteHookEnd(c, err)
	case <-expired.C:
		t.note(c, HookOutlasted, "")
	}
	return time.Since(began)
}

func (t *termination) noteHookEnd(c *container, err error) {
	if err != nil {
		t.note(c, HookFailed, err.Error())
		return
	}
	t.note(c, HookEnded, "")
}

// runPreStop runs the hook. An Exec hook ends with the container.
func (c *container) runPreStop(ctx context.Context) error {
	if _, inside := c.PreStop.(Exec); !inside {
		return c.PreStop.Run(ctx, c.Container)
	}
	ctx, cancel := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		defer cancel()
		select {
		case <-c.exited():
		case <-ctx.Done():
		}
	})
	defer watch.Wait()
	defer cancel()
	return c.PreStop.Run(ctx, c.Container)
}

// awaitTurn waits until the given containers have ended or the grace period is over, and returns
// how long that took.
func awaitTurn(first []*container, grace time.Duration) time.Duration {
	began := time.Now()
	expired := time.NewTimer(grace)
	defer expired.Stop()
	for _, c := range first {
		select {
		case <-c.exited():
		case <-expired.C:
			return time.Since(began)
		}
	}
	return time.Since(began)
}

// signal sends the stop signal, and SIGKILL if the process has not ended within the grace period.
func (t *termination) signal(c *container, grace time.Duration) {
	t.note(c, Signalled, c.stopSignal().String())
	c.signal(c.stopSignal())
	expired := time.NewTimer(grace)
	defer expired.Stop()
	select {
	case <-c.exited():
	case <-expired.C:
		t.note(c, Killed, "")
		c.signal(syscall.SIGKILL)
		<-c.exited()
	}
	t.note(c, Exited, c.state())
}

// wholeSeconds rounds down, as the kubelet does with the time of a hook or a wait.
func wholeSeconds(d time.Duration) time.Duration { return d.Truncate(time.Second) }
