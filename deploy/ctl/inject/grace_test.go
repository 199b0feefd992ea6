package inject

import (
	"errors"
	"testing"
	"time"
)

func TestTheGracePeriodHasRoomForTheHold(t *testing.T) {
	seconds := func(n int64) *int64 { return &n }
	for name, tc := range map[string]struct {
		has     *int64
		change  func(*Settings)
		want    int64
		appStop string // in the sidecar's environment; "" for the default
	}{
		"the pod has none":               {nil, func(*Settings) {}, 120, ""},
		"the API server has written 30":  {seconds(30), func(*Settings) {}, 120, ""},
		"the app needs a minute to stop": {seconds(60), func(*Settings) {}, 180, "60s"},
		"the app needs no time":          {seconds(0), func(*Settings) {}, 120, "1s"},
		"a slow load balancer":           {nil, func(s *Settings) { s.LBDelay = 3 * time.Minute }, 240, ""},
		"a quick one": {nil, func(s *Settings) {
			s.LBDelay, s.Silence = 5*time.Second, 5*time.Second
		}, 30, ""},
		"sources that are silent long": {
			nil, func(s *Settings) { s.Silence = 10 * time.Minute }, 690, "",
		},
		"a pod with plenty": {
			seconds(3600), func(s *Settings) { s.AppStop = 10 * time.Second }, 3600, "10s",
		},
		"set": {nil, func(s *Settings) { s.GracePeriod = 100 * time.Second }, 100, ""},
		"set with parts of a second": {
			nil, func(s *Settings) { s.GracePeriod = 100*time.Second + 1 }, 101, "",
		},
		"a long minimum hold": {
			nil, func(s *Settings) { s.Env = map[string]string{"LAMEDUCK_HOLD_MIN": "200s"} },
			210, "",
		},
		"just enough": {nil, func(s *Settings) { s.GracePeriod = 68 * time.Second }, 68, ""},
	} {
		before := template(t, web)
		before.Spec.TerminationGracePeriodSeconds = tc.has
		s := defaults()
		tc.change(&s)
		after, _ := injected(t, before, s)
		duck := sidecarOf(t, after)
		has := int64(30)
		if got := after.Spec.TerminationGracePeriodSeconds; got != nil {
			has = *got
		}
		if has != tc.want || variable(duck, graceVariable) != secondsOf(tc.want) {
			t.Errorf("%s: the pod has %d, Lameduck %s, want %d", name, has,
				variable(duck, graceVariable), tc.want)
		}
		if got := variable(duck, appStopVariable); got != tc.appStop {
			t.Errorf("%s: the app has %q to stop, want %q", name, got, tc.appStop)
		}
	}
}

func secondsOf(n int64) string { return seconds(time.Duration(n) * time.Second) }

func TestAGracePeriodWithoutRoomForTheHoldIsRefused(t *testing.T) {
	s := defaults()
	s.GracePeriod = 67 * time.Second // 60 of the load balancer, 5 of the app, 3 of Lameduck
	_, err := Inject(Workload{Kind: "Deployment", Template: template(t, web)}, s)
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Field != "spec.terminationGracePeriodSeconds" {
		t.Errorf("error %v", err)
	}
}

func TestAVariableThatDoesNotFitIsRefused(t *testing.T) {
	for env, want := range map[string]bool{
		"LAMEDUCK_HOLD_MIN=92s": true,
		// 100 less 5 of the app and 3 of Lameduck
		"LAMEDUCK_HOLD_MIN=93s":                         false,
		"LAMEDUCK_HOLD_MAX=93s":                         false,
		"LAMEDUCK_TUNNEL_SPREAD=93s":                    false,
		"LAMEDUCK_HOLD_MAX=20s LAMEDUCK_HOLD_QUIET=20s": true,
		"LAMEDUCK_HOLD_MAX=20s LAMEDUCK_HOLD_QUIET=21s": false,
		"LAMEDUCK_FALLBACK=web.shop:80":                 true,
		"LAMEDUCK_FALLBACK=web.shop:80,web.shop:81":     false, // there is one route
	} {
		s := defaults()
		s.GracePeriod = 100 * time.Second
		if err := s.Set("env", env); err != nil {
			t.Fatal(err)
		}
		_, err := Inject(Workload{Kind: "Deployment", Template: template(t, web)}, s)
		if (err == nil) != want {
			t.Errorf("%s: error %v", env, err)
		}
	}
	s := defaults()
	s.Env = map[string]string{"LAMEDUCK_FALLBACK": "web.shop:80"}
	two := edited(t, "[{ name: http, containerPort: 3000 }]",
		"[{ name: http, containerPort: 3000 }, { name: b, containerPort: 3001 }]")
	if _, err := Inject(Workload{Kind: "Deployment", Template: two}, s); err == nil {
		t.Error("two routes share a fallback")
	}
}
