package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A fake is a process that exits some time after a signal, or only on SIGKILL.
type fake struct {
	after time.Duration // from its first signal; never if negative

	mu    sync.Mutex
	asked bool
	gone  bool
	exitc chan struct{}
}

func (f *fake) exited() <-chan struct{} { return f.exitc }
func (f *fake) state() string           { return "" }

func (f *fake) signal(s syscall.Signal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case s == syscall.SIGKILL:
		f.endLocked()
	case !f.asked && f.after >= 0:
		f.asked = true
		time.AfterFunc(f.after, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.endLocked()
		})
	}
}

// endLocked ends the process. The caller holds f.mu.
func (f *fake) endLocked() {
	if !f.gone {
		f.gone = true
		close(f.exitc)
	}
}

// part is a container with a process that exits some time after its stop signal.
type part struct {
	name  string
	hook  Hook
	after time.Duration
}

// start starts the parts. Their channels belong to the synctest bubble of the caller.
func start(parts []part) []*container {
	var cs []*container
	for _, p := range parts {
		c := Container{Name: p.name, PreStop: p.hook}
		cs = append(cs, &container{Container: c, process: &fake{after: p.after, exitc: make(chan struct{})}})
	}
	return cs
}

// timeline formats events as a sentence. Events at the same moment are ordered by the names of
// their containers.
func timeline(events []Event) string {
	slices.SortStableFunc(events, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.After, b.After), cmp.Compare(a.Container, b.Container))
	})
	var steps []string
	for _, e := range events {
		steps = append(steps, fmt.Sprintf("%gs %s %s", e.After.Seconds(), e.Container, e.Step))
	}
	return strings.Join(steps, ", ")
}

// hookFunc is a hook that is a function.
type hookFunc func(context.Context) error

func (h hookFunc) Run(ctx context.Context, _ Container) error { return h(ctx) }

// seconds returns a hook that takes so many seconds.
func seconds(s float64) Hook { return Sleep(s * float64(time.Second)) }

func failing(context.Context) error { return errors.New("no answer") }

// forever is a hook that returns only when its context is done.
func forever(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

const never = time.Duration(-1)

func TestOrderOfAPodsEnd(t *testing.T) {
	cases := map[string]struct {
		grace                int // seconds
		containers, sidecars []part
		want                 string
	}{
		"no hook: the stop signal is sent at once": {30,
			[]part{{"app", nil, 0}}, nil,
			"0s app stop signal, 0s app exited"},
		"hooks start together, each stop signal follows its own": {30,
			[]part{{"app", seconds(3), 0}, {"b", seconds(1), 0}}, nil,
			"0s app preStop started, 0s b preStop started, 1s b preStop ended, 1s b stop signal, 1s b exited, " +
				"3s app preStop ended, 3s app stop signal, 3s app exited"},
		"a failed hook changes nothing": {30,
			[]part{{"app", hookFunc(failing), 0}}, nil,
			"0s app preStop started, 0s app preStop failed, 0s app stop signal, 0s app exited"},
		"a deaf process is killed when the grace is over": {30,
			[]part{{"app", nil, never}}, nil,
			"0s app stop signal, 30s app SIGKILL, 30s app exited"},
		"the hook's time is taken off the grace": {30,
			[]part{{"app", seconds(10), never}}, nil,
			"0s app preStop started, 10s app preStop ended, 10s app stop signal, 30s app SIGKILL, 30s app exited"},
		"but only whole seconds of it": {30,
			[]part{{"app", seconds(9.9), never}}, nil,
			"0s app preStop started, 9.9s app preStop ended, 9.9s app stop signal, 30.9s app SIGKILL, 30.9s app exited"},
		"2 s are always left after the stop signal": {30,
			[]part{{"app", seconds(29.5), never}}, nil,
			"0s app preStop started, 29.5s app preStop ended, 29.5s app stop signal, 31.5s app SIGKILL, 31.5s app exited"},
		"a hook that outlasts the grace is left behind": {10,
			[]part{{"app", hookFunc(forever), never}}, nil,
			"0s app preStop started, 10s app preStop outlasted the grace period, 10s app stop signal, " +
				"12s app SIGKILL, 12s app exited"},
		"a sidecar is stopped after the app": {30,
			[]part{{"app", nil, 5 * time.Second}},
			[]part{{"sidecar", nil, 0}},
			"0s app stop signal, 5s app exited, 5s sidecar stop signal, 5s sidecar exited"},
		"but its hook does not wait": {30,
			[]part{{"app", seconds(4), time.Second}},
			[]part{{"sidecar", seconds(1), 0}},
			"0s app preStop started, 0s sidecar preStop started, 1s sidecar preStop ended, 4s app preStop ended, " +
				"4s app stop signal, 5s app exited, 5s sidecar stop signal, 5s sidecar exited"},
		"sidecars end in the reverse of their order": {30,
			[]part{{"app", nil, time.Second}, {"b", nil, 2 * time.Second}},
			[]part{{"older", nil, time.Second}, {"newer", nil, time.Second}},
			"0s app stop signal, 0s b stop signal, 1s app exited, 2s b exited, 2s newer stop signal, 3s newer exited, " +
				"3s older stop signal, 4s older exited"},
		"an app held too long gets its stop signal together with its sidecar": {10,
			[]part{{"app", hookFunc(forever), never}},
			[]part{{"sidecar", nil, never}},
			"0s app preStop started, 10s app preStop outlasted the grace period, 10s app stop signal, " +
				"10s sidecar stop signal, 12s app SIGKILL, 12s app exited, 12s sidecar SIGKILL, 12s sidecar exited"},
		"a sidecar's wait is taken off its grace": {10,
			[]part{{"app", nil, 6 * time.Second}},
			[]part{{"sidecar", nil, never}},
			"0s app stop signal, 6s app exited, 6s sidecar stop signal, 10s sidecar SIGKILL, 10s sidecar exited"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &Pod{Spec{Grace: time.Duration(tc.grace) * time.Second}, start(tc.containers), start(tc.sidecars)}
				if got := timeline(p.Terminate(t.Context()).Events); got != tc.want {
					t.Errorf("it went\n  %s\nwant\n  %s", got, tc.want)
				}
			})
		})
	}
}

func TestHookIsNotInterruptedBeforeThePodIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var interrupted time.Duration
		hook := hookFunc(func(ctx context.Context) error {
			<-ctx.Done()
			interrupted = time.Since(began)
			return ctx.Err()
		})
		p := &Pod{Spec{Grace: 10 * time.Second}, start([]part{{"app", hook, never}, {"slow", nil, 11 * time.Second}}), nil}
		took := p.Terminate(t.Context()).Took
		if want := 12 * time.Second; interrupted != want || took != want {
			t.Errorf("hook was interrupted after %v, the pod gone after %v, want both %v", interrupted, took, want)
		}
	})
}

func TestHooksEndWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p := &Pod{Spec{}, start([]part{{"app", hookFunc(forever), 0}}), nil}
		if took := p.Terminate(ctx).Took; took != time.Second {
			t.Errorf("the pod was gone after %v, want 1s", took)
		}
	})
}

func TestContainerThatHasEndedIsNotStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &Pod{Spec{}, start([]part{{"app", seconds(9), 0}}), nil}
		p.containers[0].signal(syscall.SIGKILL)
		if got := timeline(p.Terminate(t.Context()).Events); got != "0s app exited" {
			t.Errorf("it went %s", got)
		}
	})
}

func TestDefaultGraceIsKubernetes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &Pod{Spec{}, start([]part{{"app", nil, never}}), nil}
		if took := p.Terminate(t.Context()).Took; took != 30*time.Second {
			t.Errorf("killed after %v, want 30s", took)
		}
	})
}
