package main

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"lameduck/deploy/ctl/lint"
	"lameduck/deploy/ctl/manifest"
	"lameduck/deploy/deploytest/charts"
)

// A rendered chart is what its objects say about the ports of its pods.
type rendered struct {
	template *corev1.PodTemplateSpec
	services []*corev1.Service
	policies []*networkingv1.NetworkPolicy
}

func parseChart(t *testing.T, text string) rendered {
	t.Helper()
	file, err := manifest.Parse("chart.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var r rendered
	for _, o := range file.Objects() {
		w, err := o.Workload()
		switch {
		case err != nil:
		case w != nil:
			r.template = w.Template
		case o.Kind == "Service":
			s := new(corev1.Service)
			err = o.Decode("", s)
			r.services = append(r.services, s)
		case o.Kind == "NetworkPolicy":
			p := new(networkingv1.NetworkPolicy)
			err = o.Decode("", p)
			r.policies = append(r.policies, p)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// containers returns the containers in the order in which names of ports are looked up.
func (r rendered) containers() []corev1.Container {
	return slices.Concat(r.template.Spec.Containers, r.template.Spec.InitContainers)
}

func (r rendered) resolve(target intstr.IntOrString) int32 {
	if target.Type == intstr.Int {
		return target.IntVal
	}
	for _, c := range r.containers() {
		for _, p := range c.Ports {
			if p.Name == target.StrVal {
				return p.ContainerPort
			}
		}
	}
	return 0
}

// allows reports whether the policies allow clients to connect to a port.
func (r rendered) allows(port int32) bool {
	for _, policy := range r.policies {
		for _, rule := range policy.Spec.Ingress {
			for _, p := range rule.Ports {
				if r.resolve(*p.Port) == port {
					return true
				}
			}
		}
	}
	return len(r.policies) == 0
}

// connections returns the ports of the pods that clients connect to, by a name for each.
func (r rendered) connections() map[string]int32 {
	ports := make(map[string]int32)
	for _, s := range r.services {
		for _, sp := range s.Spec.Ports {
			target := sp.TargetPort
			if target == (intstr.IntOrString{}) || s.Spec.ClusterIP == corev1.ClusterIPNone {
				target = intstr.FromInt32(sp.Port) // clients of a headless Service know the number
			}
			ports[s.Name+" "+strconv.Itoa(int(sp.Port))] = r.resolve(target)
		}
	}
	return ports
}

// relayed returns the app's port behind a port of Lameduck, and watched whether it observes one.
func (r rendered) relayed(port int32) (app int32, watched bool) {
	number := strconv.Itoa(int(port))
	for _, c := range r.containers() {
		for _, v := range c.Env {
			for _, entry := range strings.Split(v.Value, ",") {
				entry, _, _ = strings.Cut(entry, ";")
				listen, to, _ := strings.Cut(entry, "=")
				switch {
				case v.Name == "LAMEDUCK_OBSERVE" && entry == number:
					return port, true
				case v.Name == "LAMEDUCK_ROUTES" && listen == number:
					n, _ := strconv.Atoi(to)
					return int32(n), true
				}
			}
		}
	}
	return 0, false
}

// isForMetrics reports whether a port, by its name, is one that a drain does not wait for.
func (r rendered) isForMetrics(port int32) bool {
	for _, c := range r.containers() {
		for _, p := range c.Ports {
			if p.ContainerPort == port && (strings.Contains(p.Name, "metrics") || p.Name == "healthz") {
				return true
			}
		}
	}
	return false
}

// TestChartsStayReachableAndAreWatched injects manifests in the shapes of public charts: no policy
// shuts a client out, no Service goes past Lameduck unobserved, twice is once, and uninject gives
// back the bytes.
func TestChartsStayReachableAndAreWatched(t *testing.T) {
	t.Parallel()
	all := charts.All()
	if len(all) < 60 {
		t.Errorf("only %d charts", len(all))
	}
	modes := make(map[string]int)
	for _, c := range all {
		text := c.Manifests()
		after, stderr, code := ctl(t, text, "inject", "-f", "-", "--mode", "auto")
		if strings.Contains(c.Traits, "hostnet") { // refused, since its ports would be ports of the node
			if code != exitProblems || after != text {
				t.Errorf("%s: exit code %d: %s", c.Name, code, stderr)
			}
			continue
		}
		if code != exitOK {
			t.Errorf("%s: exit code %d: %s", c.Name, code, stderr)
			continue
		}
		_, mode, _ := strings.Cut(stderr, "injected, mode ")
		mode, _, _ = strings.Cut(mode, ":")
		modes[mode]++
		expectReachable(t, c, parseChart(t, text), parseChart(t, after))
		expectAdmitted(t, c, parseChart(t, after))
		expectNoBypass(t, c.Name, after)
		if twice, _, _ := ctl(t, after, "inject", "-f", "-", "--mode", "auto"); twice != after {
			t.Errorf("%s: the second time it becomes\n%s", c.Name, twice)
		}
		if back, _, _ := ctl(t, after, "inject", "-f", "-", "--uninject"); back != text {
			t.Errorf("%s was restored as\n%s", c.Name, back)
		}
	}
	if modes["move"] < 5 || modes["observe"] < 40 {
		t.Errorf("the charts have the modes %v", modes)
	}
}

func expectReachable(t *testing.T, c charts.Chart, before, after rendered) {
	t.Helper()
	now := after.connections()
	for name, was := range before.connections() {
		app, watched := after.relayed(now[name])
		switch {
		case watched && app != was:
			t.Errorf("%s: %s reaches port %d of the app, and was for %d", c.Name, name, app, was)
		case !watched && (now[name] != was || !before.isForMetrics(was)):
			t.Errorf("%s: %s is not watched at port %d", c.Name, name, now[name])
		}
		if before.allows(was) && !after.allows(now[name]) {
			t.Errorf("%s: a policy shuts out the clients of %s at port %d", c.Name, name, now[name])
		}
	}
	for _, p := range before.policies {
		if !slices.ContainsFunc(after.policies, func(o *networkingv1.NetworkPolicy) bool { return o.Name == p.Name }) {
			t.Errorf("%s: a policy was lost", c.Name)
		}
	}
}

// expectAdmitted checks that the sidecar fits the limits of the chart's namespace.
func expectAdmitted(t *testing.T, c charts.Chart, r rendered) {
	t.Helper()
	names := make(map[string]bool)
	for _, container := range r.containers() {
		for _, p := range container.Ports {
			if p.Name != "" && names[p.Name] && container.Name == "lameduck" {
				t.Errorf("%s: two ports are named %s", c.Name, p.Name)
			}
			names[p.Name] = true
		}
		need, limits := container.Resources.Requests, container.Resources.Limits
		has := func(trait string) bool { return slices.Contains(strings.Fields(c.Traits), trait) }
		sidecar := container.Name == "lameduck"
		for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
			request, limit := need[name], limits[name]
			if has("guaranteed") && (request.Cmp(limit) != 0 || limit.IsZero()) {
				t.Errorf("%s: %s is no longer Guaranteed: %v and %v", c.Name, container.Name, need, limits)
			}
			if (has("quota") || has("limits")) && (request.IsZero() || limit.IsZero() || request.Cmp(limit) > 0) {
				t.Errorf("%s: %s lacks %s: %v and %v", c.Name, container.Name, name, need, limits)
			}
		}
		cpu, cpuLimit, memory := need.Cpu().MilliValue(), limits.Cpu().MilliValue(), limits.Memory().Value()>>20
		if has("limits") && (cpu < 20 || cpuLimit > 4*cpu || memory < 48 || memory > 512) {
			t.Errorf("%s: the LimitRange refuses %s with %v and %v", c.Name, container.Name, need, limits)
		}
		if sidecar && has("scc") && container.SecurityContext.RunAsUser != nil {
			t.Errorf("%s: the sidecar has a fixed user", c.Name)
		}
		if sidecar && has("pod-resources") && limits.Memory().Sign() != 0 {
			t.Errorf("%s: the sidecar has memory of its own: %v", c.Name, limits)
		}
	}
}

// expectNoBypass lints the injected manifests.
func expectNoBypass(t *testing.T, name, text string) {
	t.Helper()
	in := lint.NewInventory(lint.Options{})
	if err := in.ReadFiles([]string{"-"}, false, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	for _, f := range in.Lint() {
		if slices.Contains([]string{"service-bypasses-lameduck", "network-policy-shuts-out", "setting-refused",
			"hook-misses-lameduck", "unknown-field"}, f.Rule) {
			t.Errorf("%s: %s: %s", name, f.Rule, f.Why)
		}
	}
}
