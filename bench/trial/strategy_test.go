package trial

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"lameduck/bench/internal/port"
	"lameduck/bench/rollout"
)

func spec(t *testing.T, s Strategy) rollout.Spec {
	p := Programs{App: "/bin/app", Lameduck: "/bin/lameduck"}
	made, err := s.pod(builder{programs: p, ports: new(port.Picker), logs: "/logs", name: "pod7"})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestAppAlone(t *testing.T) {
	for _, tc := range []struct {
		strategy Strategy
		hook     rollout.Hook
	}{
		{Bare(), nil},
		{PreStopSleep(time.Second), rollout.Sleep(time.Second)},
	} {
		s := spec(t, tc.strategy)
		want := rollout.Spec{Name: "pod7", Addr: s.Addr, Grace: 30 * time.Second, Containers: []rollout.Container{{
			Name: "app", Path: "/bin/app", Args: []string{"-listen", s.Addr}, PreStop: tc.hook, Ready: "http://" + s.Addr + "/",
		}}}
		if !reflect.DeepEqual(s, want) {
			t.Errorf("%s: pod is\n%+v, want\n%+v", tc.strategy.Name, s, want)
		}
	}
}

func TestSidecarStandsBetweenLoadBalancerAndApp(t *testing.T) {
	s := spec(t, NativeSidecar(Hold{Min: time.Second, Quiet: 2 * time.Second}))
	app, duck := s.Containers[0], s.Sidecars[0]
	if route := "LAMEDUCK_ROUTES=" + s.Addr + "=" + app.Args[1]; duck.Env[0] != route {
		t.Errorf("sidecar has %s, want %s", duck.Env[0], route)
	}
	admin := strings.TrimPrefix(duck.Env[1], "LAMEDUCK_ADMIN=")
	if want := (rollout.HTTPGet{URL: "http://" + admin + "/hold"}); app.PreStop != want {
		t.Errorf("the app's hook is %v, want %v", app.PreStop, want)
	}
	if want := (rollout.Exec{Path: "/bin/lameduck", Args: []string{"drain"}}); !reflect.DeepEqual(duck.PreStop, want) {
		t.Errorf("the sidecar's hook is %v, want %v", duck.PreStop, want)
	}
	rest := strings.Join(duck.Env[3:], " ")
	want := "LAMEDUCK_HOLD_MIN=1s LAMEDUCK_HOLD_QUIET=2s LAMEDUCK_GRACE_PERIOD=30s " +
		"LAMEDUCK_TERMINATION_LOG=/logs/pod7-termination.log"
	if rest != want {
		t.Errorf("sidecar has %s, want %s", rest, want)
	}
}

func TestExpectedTime(t *testing.T) {
	c := Config{Lag: 2 * time.Second, Replicas: 3, MinReady: time.Second}
	hold := Hold{Min: time.Second, Quiet: 2 * time.Second}
	// 6 starts of 0.1 s, 1 s of calm, 3 s of rolling, 0.5 s of tail, and the end of the last pod or the lag.
	const around = 5100 * time.Millisecond
	for _, tc := range []struct {
		strategy Strategy
		ending   time.Duration
	}{
		{Bare(), 2 * time.Second},
		{PreStopSleep(time.Second), 2 * time.Second},
		{PreStopSleep(7 * time.Second), 7 * time.Second},
		{NativeSidecar(hold), 4 * time.Second},
	} {
		c.Strategy = tc.strategy
		if got := c.Expected(); got != around+tc.ending {
			t.Errorf("%s takes %v, want %v", tc.strategy.Name, got, around+tc.ending)
		}
	}
}
