package trial

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"lameduck/bench/rollout"
)

// AnyRisk is the Risk of a Hold that depends on Quiet alone.
const AnyRisk = 1

// Hold configures how long Lameduck holds the app.
type Hold struct {
	// Min is the shortest hold. Quiet is the shortest silence that is required of every source.
	Min, Quiet time.Duration
	// Risk is the probability of one more request below which the hold ends. Zero means Lameduck's
	// default.
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

// NativeSidecar returns a strategy with Lameduck as a native sidecar in front of the app.
// Lameduck's preStop hook starts the drain, the app's hook waits for its end, and Lameduck gets
// SIGTERM after the app has exited.
func NativeSidecar(h Hold) Strategy {
	return h.strategy("lameduck", func(b builder, e endpoints) (rollout.Spec, error) {
		c := b.lameduck(h, e, "serve")
		c.PreStop = rollout.Exec{Path: c.Path, Args: []string{"drain"}}
		c.Startup = c.Ready
		app, err := b.app(e.app, e.hold())
		s := b.spec(e.traffic)
		s.Sidecars, s.Containers = []rollout.Container{c}, []rollout.Container{app}
		return s, err
	})
}

// PlainContainer returns a strategy with Lameduck as a second container in front of the app.
// Lameduck has no hook, so it gets SIGTERM at t0, which starts the drain. The app's hook waits for
// its end.
func PlainContainer(h Hold) Strategy {
	return h.strategy("lameduck plain", func(b builder, e endpoints) (rollout.Spec, error) {
		app, err := b.app(e.app, e.hold())
		s := b.spec(e.traffic)
		s.Containers = []rollout.Container{b.lameduck(h, e, "serve"), app}
		return s, err
	})
}

// Wrapper returns a strategy with the app as a child process of Lameduck. The pod has one container
// and no hook. SIGTERM starts the drain, and Lameduck sends SIGTERM to the app at the end of the
// hold.
func Wrapper(h Hold) Strategy {
	return h.strategy("lameduck wrapper", func(b builder, e endpoints) (rollout.Spec, error) {
		app, err := b.app(e.app, nil)
		c := b.lameduck(h, e, append([]string{"exec", "--", app.Path}, app.Args...)...)
		// Lameduck is ready before its child. Only a response of the app shows that the app has
		// started.
		c.Startup = "http://" + e.traffic + "/"
		s := b.spec(e.traffic)
		s.Containers = []rollout.Container{c}
		return s, err
	})
}

// strategy returns a strategy whose pods contain Lameduck.
func (h Hold) strategy(name string, pod func(builder, endpoints) (rollout.Spec, error)) Strategy {
	return Strategy{
		Name:    h.named(name),
		Ending:  h.ending,
		missing: func(p Programs) string { return built(p.Lameduck, "lameduck", "go build ./cmd/lameduck") },
		pod: func(b builder) (rollout.Spec, error) {
			a, err := b.addrs(4)
			if err != nil {
				return rollout.Spec{}, err
			}
			return pod(b, endpoints{traffic: a[0], app: a[1], admin: a[2], control: a[3]})
		},
	}
}

// endpoints are the addresses of one Lameduck and its app.
type endpoints struct{ traffic, app, admin, control string }

// hold returns the preStop hook that keeps the app alive until the end of the hold.
func (e endpoints) hold() rollout.Hook { return rollout.HTTPGet{URL: "http://" + e.admin + "/hold"} }

// lameduck returns a container with Lameduck.
func (b builder) lameduck(h Hold, e endpoints, args ...string) rollout.Container {
	env := []string{
		"LAMEDUCK_ROUTES=" + e.traffic + "=" + e.app,
		"LAMEDUCK_ADMIN=" + e.admin,
		"LAMEDUCK_CONTROL=" + e.control,
		"LAMEDUCK_GRACE_PERIOD=" + b.grace.String(),
		"LAMEDUCK_APP_STOP=" + appStop(b.grace).String(),
		"LAMEDUCK_TERMINATION_LOG=" + b.terminationLog(),
	}
	return rollout.Container{
		Name:  "lameduck",
		Path:  b.programs.Lameduck,
		Args:  args,
		Env:   slices.Concat(env, h.env(), b.application.Settings),
		Ready: "http://" + e.admin + "/readyz",
	}
}

// appStop returns the time reserved for the app to exit: Lameduck's default of 5 s if the grace
// period is 30 s or more, and proportionally less if it is shorter.
func appStop(grace time.Duration) time.Duration { return min(5*time.Second, grace/6) }
