package trial

import (
	"fmt"
	"time"

	"lameduck/bench/rollout"
)

// Bare returns a strategy without any protection: the app gets SIGTERM at once.
func Bare() Strategy {
	return Strategy{
		Name:   "bare",
		Ending: func(time.Duration) time.Duration { return 0 },
		pod:    func(b builder) (rollout.Spec, error) { return b.alone(nil) },
	}
}

// PreStopSleep returns a strategy in which the kubelet waits for a fixed time before SIGTERM.
func PreStopSleep(d time.Duration) Strategy {
	return Strategy{
		Name:   fmt.Sprintf("preStop sleep %v", d),
		Ending: func(time.Duration) time.Duration { return d },
		pod:    func(b builder) (rollout.Spec, error) { return b.alone(rollout.Sleep(d)) },
	}
}

// alone returns a pod that has only the app.
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
