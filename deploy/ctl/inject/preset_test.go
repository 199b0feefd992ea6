package inject

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"lameduck/cmd/lameduck/config"
)

// probed is the pod template of a Deployment with a readiness probe of a path of its port.
func probed(t *testing.T, path string) *corev1.PodTemplateSpec {
	t.Helper()
	before := template(t, web)
	before.Spec.Containers[0].ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{
		HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromInt32(3000)},
	}}
	return before
}

func withAnnotations(pod *corev1.PodTemplateSpec, annotations map[string]string) *corev1.PodTemplateSpec {
	pod.Annotations = annotations
	return pod
}

// healthPaths returns the value of LAMEDUCK_LB_HEALTH_PATHS, and false if it is not set.
func healthPaths(c corev1.Container) (string, bool) {
	for _, v := range c.Env {
		if v.Name == healthVariable {
			return v.Value, true
		}
	}
	return "", false
}

func TestAPresetSetsDelayGracePeriodAndHealthPaths(t *testing.T) {
	for _, p := range Presets() {
		before := withAnnotations(probed(t, "/healthz"), map[string]string{"lameduck.dev/lb": p.Name})
		after, _ := injected(t, before, defaults())
		got := time.Duration(*after.Spec.TerminationGracePeriodSeconds) * time.Second
		if least := p.Delay + defaults().Silence + DefaultAppStop + Margin; got < least || got >= least+graceStep {
			t.Errorf("%s: grace period %v, want %v rounded up", p.Name, got, least)
		}
		path, set := healthPaths(sidecarOf(t, after))
		if set != p.FailChecks || set && path != "/healthz" {
			t.Errorf("%s: the health paths are %q (set: %v)", p.Name, path, set)
		}
	}
}

func TestPresetsArePlausible(t *testing.T) {
	for i, p := range Presets() {
		if p.Seen <= 0 || p.Delay < p.Seen || p.Title == "" {
			t.Errorf("%+v", p)
		}
		if j := slices.IndexFunc(presets, func(o Preset) bool { return o.Name == p.Name }); j != i {
			t.Errorf("%s is there twice", p.Name)
		}
	}
}

func TestAnUnknownLoadBalancerIsReportedWithTheKnownOnes(t *testing.T) {
	for _, name := range []string{"elb", "NLB", ""} {
		s := defaults()
		err := s.Set("lb", name)
		if err == nil || s.LB != "" {
			t.Fatalf("%q is accepted", name)
		}
		for _, p := range Presets() {
			if !strings.Contains(err.Error(), p.Name) {
				t.Errorf("%q: %s is not in the error %v", name, p.Name, err)
			}
		}
	}
}

// The order in which options are set does not matter.
func TestExplicitSettingsWinOverAPreset(t *testing.T) {
	options := [][2]string{
		{"lb", "nlb"}, {"lb-delay", "20s"}, {"grace-period", "50s"},
		{"env", healthVariable + "=/lb"},
	}
	for range 2 {
		slices.Reverse(options)
		s, annotations := defaults(), make(map[string]string)
		for _, o := range options {
			if err := s.Set(o[0], o[1]); err != nil {
				t.Fatal(err)
			}
			annotations[AnnotationPrefix+o[0]] = o[1]
		}
		byFlags, _ := injected(t, probed(t, "/healthz"), s)
		byAnnotations, _ := injected(t, withAnnotations(probed(t, "/healthz"), annotations), defaults())
		for _, pod := range []*corev1.PodTemplateSpec{byFlags, byAnnotations} {
			if got := *pod.Spec.TerminationGracePeriodSeconds; got != 50 {
				t.Errorf("grace period %d, want 50", got)
			}
			if path, _ := healthPaths(sidecarOf(t, pod)); path != "/lb" {
				t.Errorf("health paths %q", path)
			}
		}
	}
}

func TestTheSidecarKnowsTheDelay(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Settings)
		want   string
	}{
		"no load balancer is named": {func(*Settings) {}, ""},
		"a preset":                  {func(s *Settings) { s.LB = "nlb" }, "300s"},
		"a delay":                   {func(s *Settings) { s.LBDelay = 20 * time.Second }, "20s"},
		"a delay beside a preset":   {func(s *Settings) { s.LB, s.LBDelay = "nlb", 20*time.Second }, "20s"},
		"no delay":                  {func(s *Settings) { s.LBDelay = 0 }, "0s"},
		"the variable": {func(s *Settings) {
			s.LB, s.Env = "nlb", map[string]string{delayVariable: "1m"}
		}, "1m"},
	} {
		s := defaults()
		tc.change(&s)
		after, _ := injected(t, template(t, web), s)
		if got := variable(sidecarOf(t, after), delayVariable); got != tc.want {
			t.Errorf("%s: %s is %q, want %q", name, delayVariable, got, tc.want)
		}
	}
}

func TestAnEmptyHealthPathStays(t *testing.T) {
	s := defaults()
	s.LB, s.Env = "nlb", map[string]string{healthVariable: ""}
	after, plan := injected(t, probed(t, "/healthz"), s)
	if path, set := healthPaths(sidecarOf(t, after)); path != "" || !set {
		t.Errorf("health paths %q", path)
	}
	if strings.Contains(notes(plan), "503") {
		t.Errorf("notes %v", plan.Notes)
	}
}

func TestALoadBalancerInAnAnnotationReplacesTheFlags(t *testing.T) {
	s := defaults()
	s.LB, s.LBDelay, s.GracePeriod = "alb", 10*time.Second, 40*time.Second
	for annotation, want := range map[string]int64{"": 40, "nlb": 360, "kube-proxy": 60} {
		before := template(t, web)
		if annotation != "" {
			before.Annotations = map[string]string{"lameduck.dev/lb": annotation}
		}
		after, _ := injected(t, before, s)
		if got := *after.Spec.TerminationGracePeriodSeconds; got != want {
			t.Errorf("%q: the grace period is %d, want %d", annotation, got, want)
		}
	}
}

func TestAGracePeriodTooShortForThePresetIsRefused(t *testing.T) {
	before := withAnnotations(template(t, web), map[string]string{
		"lameduck.dev/lb": "nlb", "lameduck.dev/grace-period": "2m",
	})
	_, err := Inject(Workload{Kind: "Deployment", Template: before}, defaults())
	var refusal *Refusal
	if !errors.As(err, &refusal) || !strings.Contains(refusal.Why, "delay of 300s") {
		t.Errorf("error %v", err)
	}
}

// Clients request the root too, and would get a 503.
func TestOnlyAPathOfItsOwnFailsForTheLoadBalancer(t *testing.T) {
	for path, want := range map[string]string{
		"/healthz": "/healthz", "/healthz?full=1": "/healthz", "/a/b": "/a/b", "": "", "/": "", "/?x": "",
		"/a,b": "", "/$(POD)": "", "healthz": "", "/a b": "",
	} {
		s := defaults()
		s.LB = "envoy-gateway"
		after, plan := injected(t, probed(t, path), s)
		got, set := healthPaths(sidecarOf(t, after))
		if got != want || set != (want != "") {
			t.Errorf("%q: the health paths are %q, want %q", path, got, want)
		}
		if n := strings.Count(notes(plan), healthVariable); n != 1 {
			t.Errorf("%q: %d notes name the variable, want 1: %v", path, n, plan.Notes)
		}
	}
}

func TestTheHealthPathIsOfARelayedPort(t *testing.T) {
	for name, tc := range map[string]struct {
		port   intstr.IntOrString
		scheme corev1.URIScheme
		want   string
	}{
		"its name":          {intstr.FromString("http"), "", "/healthz"},
		"its number":        {intstr.FromInt32(3000), corev1.URISchemeHTTP, "/healthz"},
		"another number":    {intstr.FromInt32(9000), "", ""},
		"Lameduck's":        {intstr.FromInt32(firstPort), "", ""},
		"another name":      {intstr.FromString("admin"), "", ""},
		"a port for probes": {intstr.FromString("health"), "", ""},
		"its number in TLS": {intstr.FromInt32(3000), corev1.URISchemeHTTPS, ""},
	} {
		before := probed(t, "/healthz")
		c := &before.Spec.Containers[0]
		c.Ports = append(c.Ports, corev1.ContainerPort{Name: "health", ContainerPort: 3001})
		c.ReadinessProbe.HTTPGet.Port, c.ReadinessProbe.HTTPGet.Scheme = tc.port, tc.scheme
		s := defaults()
		s.LB = "nlb"
		after, _ := injected(t, before, s)
		if got, _ := healthPaths(sidecarOf(t, after)); got != tc.want {
			t.Errorf("%s: the health paths are %q, want %q", name, got, tc.want)
		}
	}
}

func TestAWrappedAppsOwnHealthPathsStay(t *testing.T) {
	before := probed(t, "/healthz")
	c := &before.Spec.Containers[0]
	c.Command = []string{"/app"}
	c.Env = []corev1.EnvVar{{Name: healthVariable, Value: "/mine"}, {Name: delayVariable, Value: "9s"}}
	s := defaults()
	s.Shape, s.LB = Wrapper, "nlb"
	after, _ := injected(t, before, s)
	app := after.Spec.Containers[0]
	if path, delay := variable(app, healthVariable), variable(app, delayVariable); path != "/mine" || delay != "9s" {
		t.Errorf("health paths %q, the delay is %q", path, delay)
	}
}

// Lameduck accepts the values that Inject chooses.
func TestThePresetsConfigureLameduck(t *testing.T) {
	for _, p := range Presets() {
		s := defaults()
		s.LB = p.Name
		after, _ := injected(t, probed(t, "/healthz"), s)
		env := make(map[string]string)
		addLiterals(env, sidecarOf(t, after).Env)
		c, err := config.Parse(env)
		if err != nil || c.HoldMax < p.Delay+s.Silence {
			t.Errorf("%s: maximum of the hold %v, error %v", p.Name, c.HoldMax, err)
		}
	}
}
