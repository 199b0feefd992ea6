package inject

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"

	"lameduck/cmd/lameduck/config"
	"lameduck/deploy/ctl/mode"
)

func TestAnAnnotationOverridesEverySetting(t *testing.T) {
	got, err := defaults().Override(map[string]string{
		"lameduck.dev/shape": "wrapper", "lameduck.dev/image": "registry.of.ours/lameduck:1",
		"lameduck.dev/mode":     "observe",
		"lameduck.dev/lb":       "alb",
		"lameduck.dev/lb-delay": "90s", "lameduck.dev/silence": "1m",
		"lameduck.dev/app-stop": "20s", "lameduck.dev/grace-period": "5m",
		"lameduck.dev/ports":            "http, 9090;proto=tcp",
		"lameduck.dev/env":              "LAMEDUCK_HOLD_MIN=10s\n  LAMEDUCK_PROBE_PATHS=/a,/b",
		"lameduck.dev/resources":        `{"requests":{"cpu":"20m"},"limits":{"memory":null}}`,
		"lameduck.dev/security-context": "runAsUser: 1000\nrunAsGroup: null",
		"lameduck.dev/pull-secrets":     "a, b",
		"other.example/x":               "y", InjectedAnnotation: "{}", ModeAnnotation: "observe: as asked",
	})
	want := Settings{
		Shape: Wrapper, Mode: mode.Observe, Image: "registry.of.ours/lameduck:1", LB: "alb", LBDelay: 90 * time.Second,
		Silence: time.Minute, AppStop: 20 * time.Second, GracePeriod: 5 * time.Minute,
		Ports: []string{"http", "9090;proto=tcp"}, Env: map[string]string{"LAMEDUCK_HOLD_MIN": "10s",
			"LAMEDUCK_PROBE_PATHS": "/a,/b"},
	}
	user := int64(1000)
	want.SecurityContext = restricted()
	want.SecurityContext.RunAsUser, want.SecurityContext.RunAsGroup = &user, nil
	want.PullSecrets = []string{"a", "b"}
	want.Resources = corev1.ResourceRequirements{Requests: defaultResources().Requests}
	want.Resources.Requests[corev1.ResourceCPU] = resource.MustParse("20m")
	if err != nil || !apiequality.Semantic.DeepEqual(got, want) {
		t.Errorf("got %+v, error %v", got, err)
	}
	if fields := reflect.TypeFor[Settings]().NumField() - 1; fields != len(Options()) { // without the cluster's version
		t.Errorf("%d settings and %d options, want the same number", fields, len(Options()))
	}
}

func TestEveryUnusableAnnotationIsReportedAtOnce(t *testing.T) {
	wrong := map[string]string{
		"lameduck.dev/lb-dely":      "90s",
		"lameduck.dev/inject":       "enabled",
		"lameduck.dev/shape":        "sidecar",
		"lameduck.dev/mode":         "watch",
		"lameduck.dev/image":        "",
		"lameduck.dev/lb":           "elb",
		"lameduck.dev/lb-delay":     "90",
		"lameduck.dev/silence":      "-1s",
		"lameduck.dev/grace-period": "48h",
		"lameduck.dev/ports":        "http,,grpc",

		"lameduck.dev/resources":        `{"limit":{"memory":"1Gi"}}`,
		"lameduck.dev/security-context": "65532",
		"lameduck.dev/pull-secrets":     "Not a name",
		"lameduck.dev/env":              "LAMEDUCK_HOLD_MINIMUM=1s",
	}
	_, err := defaults().Override(wrong)
	if err == nil {
		t.Fatal("no error, want one")
	}
	for key := range wrong {
		if !strings.Contains(err.Error(), "metadata.annotations["+key+"]") {
			t.Errorf("%s is not in the error\n%v", key, err)
		}
	}
	if lines := strings.Count(err.Error(), "\n") + 1; lines != len(wrong) {
		t.Errorf("%d lines for %d faults:\n%v", lines, len(wrong), err)
	}
}

func TestVariablesOfTheInjectionCannotBeSet(t *testing.T) {
	for name, instead := range reserved {
		s := defaults()
		if err := s.Set("env", name+"=1"); err == nil || !strings.Contains(err.Error(), instead) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	s := defaults()
	if err := s.Set("env", "LAMEDUCK_HOLD_MIN"); err == nil {
		t.Error("a variable without a value was accepted")
	}
}

// A sidecar with an invalid configuration prevents the pod from starting.
func TestInjectRefusesValuesThatLameduckRefuses(t *testing.T) {
	for env, want := range map[string]bool{
		"LAMEDUCK_HOLD_MIN=10s": true, "LAMEDUCK_HOLD_MIN=0s": true, "LAMEDUCK_HOLD_MIN=10": false,
		"LAMEDUCK_HOLD_MIN=-1s": false, "LAMEDUCK_HOLD_MIN=": true,
		"LAMEDUCK_HOLD_MAX=derived": true, "LAMEDUCK_HOLD_MAX=60s": true,
		"LAMEDUCK_HOLD_MAX=0":    false,
		"LAMEDUCK_HOLD_MAX=0.0s": false, "LAMEDUCK_HOLD_RISK=0.5": true,
		"LAMEDUCK_HOLD_RISK=NaN": false, "LAMEDUCK_HOLD_RISK=1001": false,
		"LAMEDUCK_MAX_CONNECTIONS=100": true, "LAMEDUCK_MAX_CONNECTIONS=-1": false,
		"LAMEDUCK_KEEP_CLIENT=true": true, "LAMEDUCK_KEEP_CLIENT=maybe": false,
		"LAMEDUCK_PROBE_PATHS=/a,/b": true, "LAMEDUCK_PROBE_PATHS=a": false,
		"LAMEDUCK_FALLBACK=web.shop:80": true, "LAMEDUCK_FALLBACK=web": false,
		"LAMEDUCK_FALLBACK=:80": false, "LAMEDUCK_LOG_LEVEL=debug": true,
		"LAMEDUCK_LOG_LEVEL=all":  false,
		"LAMEDUCK_LOG_FORMAT=xml": false, "LAMEDUCK_PROBE_AGENTS=": true,
		"LAMEDUCK_TLS_CERT=/tls/tls.crt": false,
		"LAMEDUCK_STOP_SIGNAL=SIGQUIT":   true, "LAMEDUCK_STOP_SIGNAL=FOO": false,
		"LAMEDUCK_STOP_SIGNAL=SIGKILL": false, "LAMEDUCK_TUNNEL_SPREAD=0s": true,
		"LAMEDUCK_APP_WAIT=25h": true, "LAMEDUCK_END_EVENT_STREAMS=1": true,
		"LAMEDUCK_LOG_LEVEL=DEBUG": true,
	} {
		s := defaults()
		if err := s.Set("env", env); (err == nil) != want {
			t.Errorf("%s: error %v", env, err)
		}
	}
	for ports, want := range map[string]bool{"http;proto=h2c;proxy": true, "80;passthrough": true,
		"http;proto=spdy": false, "http;tls": false, "http;proxy;": false, "http;;proxy": false,
		"http; proxy": true} {
		s := defaults()
		if err := s.Set("ports", ports); (err == nil) != want {
			t.Errorf("%s: error %v", ports, err)
		}
	}
}

func TestOverrideDoesNotChangeSharedSettings(t *testing.T) {
	s := defaults()
	s.Env, s.Ports = map[string]string{"LAMEDUCK_HOLD_MIN": "1s"}, []string{"http"}
	_, err := s.Override(map[string]string{"lameduck.dev/env": "LAMEDUCK_HOLD_MIN=9s",
		"lameduck.dev/ports": "x"})
	if err != nil {
		t.Fatal(err)
	}
	if s.Env["LAMEDUCK_HOLD_MIN"] != "1s" || s.Ports[0] != "http" {
		t.Errorf("they are %v and %v now", s.Env, s.Ports)
	}
}

func TestSetLeavesACopyOfTheSettingsAlone(t *testing.T) {
	s := defaults()
	s.Env = map[string]string{"LAMEDUCK_HOLD_MIN": "1s"}
	other := s
	err := other.Set("env", "LAMEDUCK_HOLD_MIN=9s")
	if err != nil || s.Env["LAMEDUCK_HOLD_MIN"] != "1s" {
		t.Errorf("they are %v now, error %v", s.Env, err)
	}
}

// The defaults that Inject assumes are those of Lameduck.
func TestTheDefaultsAreThoseOfLameduck(t *testing.T) {
	c, err := config.Parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.AppStop != DefaultAppStop || c.GracePeriod != DefaultGrace {
		t.Errorf("lameduck has %v to stop and %v in all, inject %v and %v", c.AppStop,
			c.GracePeriod,
			DefaultAppStop, DefaultGrace)
	}
	listen, _ := c.Routes[0].Ports()
	if listen != firstPort || !strings.HasSuffix(c.Admin, fmt.Sprintf(":%d", AdminPort)) ||
		!strings.HasSuffix(c.Control, fmt.Sprintf(":%d", ControlPort)) {
		t.Errorf("lameduck listens at %d, %s and %s, inject uses %d, %d and %d", listen, c.Admin,
			c.Control, firstPort, AdminPort, ControlPort)
	}
	for name := range reserved {
		if !config.IsKnown(name) {
			t.Errorf("%s is reserved and unknown", name)
		}
	}
}
