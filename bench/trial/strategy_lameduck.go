package trial

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"lameduck/bench/rollout"
)

// AnyRisk is the Risk of a Hold that goes by Quiet alone.
const AnyRisk = 1

// Hold is how Lameduck is told to hold the app.
type Hold struct {
	// Min is how long it lasts at least, Quiet the shortest silence that is required of every source.
	Min, Quiet time.Duration
	// Risk is the probability of one more request below which the hold ends. Zero means Lameduck's own
	// default, AnyRisk that Quiet alone counts.
	Risk float64
}

// named returns the name of a strategy with this hold.
func (h Hold) named(name string) string {
	if h.Risk == AnyRisk {
		return fmt.Sprintf("%s fixed %v", name, h.Quiet)
	}
	return name
}

func (h Hold) ending(lag time.Duration) time.Duration { return max(h.Min, lag+h.Quiet) }

func (h Hold) env() []string {
	env := []string{"LAMEDUCK_HOLD_MIN=" + h.Min.String(), "LAMEDUCK_HOLD_QUIET=" + h.Quiet.String()}
	if h.Risk == 0 {
		return env
	}
	return append(env, "LAMEDUCK_HOLD_RISK="+strconv.FormatFloat(h.Risk, 'g', -1, 64))
}

// NativeSidecar puts Lameduck in front of the app, as a native sidecar: its own hook begins the drain, the app's hook
// waits for the end of it, and SIGTERM comes to Lameduck when the app has gone.
func NativeSidecar(h Hold) Strategy {
	return h.strategy("lameduck", func(b builder, d duck) (rollout.Spec, error) {
		c := b.lameduck(h, d, "serve")
		c.PreStop = rollout.Exec{Path: c.Path, Args: []string{"drain"}}
		c.Startup = c.Ready
		app, err := b.app(d.app, d.hold())
		s := b.spec(d.traffic)
		s.Sidecars, s.Containers = []rollout.Container{c}, []rollout.Container{app}
		return s, err
	})
}

// PlainContainer puts Lameduck in front of the app, as a second container. It has no hook of its own, so that SIGTERM
// comes at t0 and begins the drain; the app's hook waits for the end of it.
func PlainContainer(h Hold) Strategy {
	return h.strategy("lameduck plain", func(b builder, d duck) (rollout.Spec, error) {
		app, err := b.app(d.app, d.hold())
		s := b.spec(d.traffic)
		s.Containers = []rollout.Container{b.lameduck(h, d, "serve"), app}
		return s, err
	})
}

// Wrapper makes the app Lameduck's child. The pod has one container and no hook: SIGTERM begins the drain, and the app
// gets it from Lameduck at the end of the hold.
func Wrapper(h Hold) Strategy {
	return h.strategy("lameduck wrapper", func(b builder, d duck) (rollout.Spec, error) {
		app, err := b.app(d.app, nil)
		c := b.lameduck(h, d, append([]string{"exec", "--", app.Path}, app.Args...)...)
		// Lameduck is ready before its child: what shows that the app has started is an answer of the app's.
		c.Startup = "http://" + d.traffic + "/"
		s := b.spec(d.traffic)
		s.Containers = []rollout.Container{c}
		return s, err
	})
}

// strategy returns a strategy whose pods have Lameduck in them.
func (h Hold) strategy(name string, pod func(builder, duck) (rollout.Spec, error)) Strategy {
	return Strategy{
		Name:    h.named(name),
		Ending:  h.ending,
		missing: func(p Programs) string { return built(p.Lameduck, "lameduck", "go build ./cmd/lameduck") },
		pod: func(b builder) (rollout.Spec, error) {
			a, err := b.addrs(4)
			if err != nil {
				return rollout.Spec{}, err
			}
			return pod(b, duck{traffic: a[0], app: a[1], admin: a[2], control: a[3]})
		},
	}
}

// duck is where one Lameduck is found.
type duck struct{ traffic, app, admin, control string }

// hold returns the hook that keeps the app alive until the hold has ended.
func (d duck) hold() rollout.Hook { return rollout.HTTPGet{URL: "http://" + d.admin + "/hold"} }

// lameduck returns a container with Lameduck.
func (b builder) lameduck(h Hold, d duck, args ...string) rollout.Container {
	env := []string{
		"LAMEDUCK_ROUTES=" + d.traffic + "=" + d.app,
		"LAMEDUCK_ADMIN=" + d.admin,
		"LAMEDUCK_CONTROL=" + d.control,
		"LAMEDUCK_GRACE_PERIOD=" + b.grace.String(),
		"LAMEDUCK_APP_STOP=" + appStop(b.grace).String(),
		"LAMEDUCK_TERMINATION_LOG=" + b.terminationLog(),
	}
	return rollout.Container{
		Name:  "lameduck",
		Path:  b.programs.Lameduck,
		Args:  args,
		Env:   slices.Concat(env, h.env(), b.shape.Settings),
		Ready: "http://" + d.admin + "/readyz",
	}
}

// appStop returns what is set aside for the app's own end: Lameduck's default of 5 s in a grace period of 30 s or more,
// and its share of a shorter one.
func appStop(grace time.Duration) time.Duration { return min(5*time.Second, grace/6) }
