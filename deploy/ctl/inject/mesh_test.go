package inject

import (
	"maps"
	"testing"
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
		t.Errorf("it comes back as %q", back.Annotations[istio])
	}
	after.Annotations[istio] += ",5555" // by another user, after the injection
	if back := uninjected(t, after); back.Annotations[istio] != "9999,7777,5555" {
		t.Errorf("the list with a later change becomes %q", back.Annotations[istio])
	}
}
