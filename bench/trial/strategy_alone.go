package trial

import (
	"fmt"
	"time"

	"lameduck/bench/rollout"
)

// Bare does nothing about the end: SIGTERM comes at once, and the app does what it does.
func Bare() Strategy {
	return Strategy{
		Name:   "bare",
		Ending: func(time.Duration) time.Duration { return 0 },
		pod:    func(b builder) (rollout.Spec, error) { return b.alone(nil) },
	}
}

// PreStopSleep lets the kubelet wait for a fixed time before SIGTERM.
func PreStopSleep(d time.Duration) Strategy {
	return Strategy{
		Name:   fmt.Sprintf("preStop sleep %v", d),
		Ending: func(time.Duration) time.Duration { return d },
		pod:    func(b builder) (rollout.Spec, error) { return b.alone(rollout.Sleep(d)) },
	}
}

// alone returns a pod with the app alone.
func (b builder) alone(preStop rollout.Hook) (rollout.Spec, error) {
	a, err := b.addrs(1)
	if err != nil {
		return rollout.Spec{}, err
	}
	app, err := b.app(a[0], preStop)
	s := b.spec(a[0])
	s.Containers = []rollout.Container{app}
	return s, err
}
