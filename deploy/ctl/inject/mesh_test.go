package inject

import (
	"maps"
	"reflect"
	"testing"

	"lameduck/deploy/ctl/mode"
)

func TestTheAdminPortIsLeftOutOfAMesh(t *testing.T) {
	const istio, linkerd = "traffic.sidecar.istio.io/excludeInboundPorts",
		"config.linkerd.io/skip-inbound-ports"
	for name, tc := range map[string]struct {
		labels, annotations map[string]string
		key, want           string
	}{
		"no mesh":           {nil, map[string]string{"prometheus.io/port": "9090"}, istio, ""},
		"Istio":             {nil, map[string]string{"sidecar.istio.io/inject": "true"}, istio, "18081"},
		"Istio by label":    {map[string]string{"sidecar.istio.io/inject": "true"}, nil, istio, "18081"},
		"Istio by revision": {map[string]string{"istio.io/rev": "canary"}, nil, istio, "18081"},
		"Istio with ports":  {nil, map[string]string{istio: "9999, 7777"}, istio, "9999,7777,18081"},
		"Istio that knows":  {nil, map[string]string{istio: "18081"}, istio, "18081"},
		"Istio switched off": {
			nil, map[string]string{"sidecar.istio.io/inject": "false",
				"proxy.istio.io/config": "{}"}, istio, "",
		},
		"Linkerd": {nil, map[string]string{"linkerd.io/inject": "enabled"}, linkerd, "18081"},
		"Linkerd with a range": {
			nil, map[string]string{"linkerd.io/inject": "ingress", linkerd: "4567-4570"}, linkerd,
			"4567-4570,18081",
		},
		"Linkerd switched off": {nil, map[string]string{"linkerd.io/inject": "disabled"}, linkerd, ""},
	} {
		before := template(t, web)
		maps.Copy(before.Labels, tc.labels)
		before.Annotations = tc.annotations
		after, _ := injected(t, before, defaults())
		if got := after.Annotations[tc.key]; got != tc.want {
			t.Errorf("%s: the notes are %q, want %q", name, got, tc.want)
		}
	}
}

func TestAMeshGetsItsListBack(t *testing.T) {
	const istio = "traffic.sidecar.istio.io/excludeInboundPorts"
	before := template(t, web)
	before.Annotations = map[string]string{istio: "9999, 7777"}
	after, _ := injected(t, before, defaults())
	if back := uninjected(t, after); back.Annotations[istio] != "9999, 7777" {
		t.Errorf("restored %q", back.Annotations[istio])
	}
	after.Annotations[istio] += ",5555" // by another user, after the injection
	if back := uninjected(t, after); back.Annotations[istio] != "9999,7777,5555" {
		t.Errorf("the list with a later change becomes %q", back.Annotations[istio])
	}
}

// Most pods get into a mesh by their namespace.
func TestTheAdminPortIsLeftOutOfAMeshOfTheNamespace(t *testing.T) {
	const istio, linkerd = "traffic.sidecar.istio.io/excludeInboundPorts", "config.linkerd.io/skip-inbound-ports"
	for name, tc := range map[string]struct {
		pod    map[string]string
		around *mode.Around
		key    string
		want   string
	}{
		"Istio": {nil, &mode.Around{Labels: map[string]string{"istio-injection": "enabled"}}, istio, "18081"},
		"Istio switched off in the pod": {
			map[string]string{"sidecar.istio.io/inject": "false"},
			&mode.Around{Labels: map[string]string{"istio-injection": "enabled"}}, istio, "",
		},
		"Linkerd": {nil, &mode.Around{Annotations: map[string]string{"linkerd.io/inject": "enabled"}}, linkerd, "18081"},
		"Linkerd with a list of the namespace, which the pod's replaces": {
			nil, &mode.Around{Annotations: map[string]string{"linkerd.io/inject": "enabled", linkerd: "25,4567"}}, linkerd,
			"25,4567,18081",
		},
		"Istio's ambient mode": {
			nil, &mode.Around{Labels: map[string]string{"istio.io/dataplane-mode": "ambient"}}, istio, "",
		},
	} {
		before := template(t, web)
		before.Annotations = tc.pod
		w := Workload{Kind: "Deployment", Template: before, Around: tc.around}
		p, err := Inject(w, defaults())
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Template.Annotations[tc.key]; got != tc.want {
			t.Errorf("%s: the list is %q, want %q", name, got, tc.want)
		}
		w.Template = patched(t, before, p)
		if again, err := Inject(w, defaults()); err != nil || len(again.Patch) > 0 {
			t.Errorf("%s: the second time it plans %v, error %v", name, again.Patch, err)
		}
		if back := uninjected(t, w.Template); !reflect.DeepEqual(back, before) {
			t.Errorf("%s: restored %v", name, back)
		}
	}
}

// Linkerd detects no protocol on the port of a database, and must not on Lameduck's in its place.
func TestAPortThatIsOpaqueByDefaultStaysOpaqueInANamespaceOfLinkerd(t *testing.T) {
	p, err := Inject(Workload{
		Kind: "Deployment", Template: edited(t, "containerPort: 3000", "containerPort: 3306"),
		Around: &mode.Around{Annotations: map[string]string{"linkerd.io/inject": "enabled"}},
	}, defaults())
	if got, want := p.Template.Annotations[opaquePorts], opaqueByDefault+",18080"; err != nil || got != want {
		t.Errorf("list %q, want %q, error %v", got, want, err)
	}
}
