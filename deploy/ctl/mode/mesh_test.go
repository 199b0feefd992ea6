package mode

import (
	"strings"
	"testing"
)

// A chart may name its namespace in some of its objects only, so those without one count as well.
func TestManifestsWithoutANamespaceMayBeAnywhere(t *testing.T) {
	const byNumber = "{ podSelector: {}, ingress: [{ ports: [{ port: 8080 }] }] }"
	for name, object := range map[string]any{
		"a policy": policy(t, "bank", byNumber),
		"one of Cilium": other(t, "CiliumNetworkPolicy", "bank", "spec: { endpointSelector: {}, ingress: [{ "+
			"toPorts: [{ ports: [{ port: '8080' }] }] }] }"),
		"egress": policy(t, "bank", "{ podSelector: {}, egress: [{ to: [{ podSelector: {} }], ports: [{ "+
			"port: 8080 }] }] }"),
	} {
		a := around(t, object)
		if got, err := Choose(pod(t, ""), a); err != nil || got.Mode != Move {
			t.Errorf("%s of another namespace: got %s, error %v", name, got, err)
		}
		a.Namespace = ""
		if got, err := Choose(pod(t, ""), a); err != nil || got.Mode != Observe {
			t.Errorf("%s, and the pods have no namespace: got %s, error %v", name, got, err)
		}
	}
}

func TestAroundMesh_IsThatOfThePodOrItsNamespace(t *testing.T) {
	for name, tc := range map[string]struct {
		pod, labels, annotations string // key=value
		want                     string
	}{
		"none":                               {"", "", "", ""},
		"Istio by the pod":                   {"sidecar.istio.io/inject=true", "", "", Istio},
		"Istio by the namespace":             {"", "istio-injection=enabled", "", Istio},
		"Istio by a revision":                {"", "istio.io/rev=1-29", "", Istio},
		"Istio off":                          {"", "istio-injection=disabled", "", ""},
		"Istio off in the pod":               {"sidecar.istio.io/inject=false", "istio-injection=enabled", "", ""},
		"Istio's ambient mode":               {"", "istio.io/dataplane-mode=ambient", "", IstioAmbient},
		"ambient by the pod":                 {"istio.io/dataplane-mode=ambient", "", "", IstioAmbient},
		"ambient off":                        {"istio.io/dataplane-mode=none", "istio.io/dataplane-mode=ambient", "", ""},
		"Linkerd by the namespace":           {"", "", "linkerd.io/inject=enabled", Linkerd},
		"Linkerd by the namespace, ingress":  {"", "", "linkerd.io/inject=ingress", Linkerd},
		"Linkerd off":                        {"linkerd.io/inject=disabled", "", "linkerd.io/inject=enabled", ""},
		"Kuma by the namespace":              {"", "kuma.io/sidecar-injection=enabled", "", Kuma},
		"Kuma by the pod":                    {"kuma.io/sidecar-injection=enabled", "", "", Kuma},
		"Consul by the pod":                  {"consul.hashicorp.com/connect-inject=true", "", "", Consul},
		"out of one and in another":          {"sidecar.istio.io/inject=false", "", "linkerd.io/inject=enabled", Linkerd},
		"an annotation of no mesh":           {"prometheus.io/port=8080", "", "", ""},
		"a namespace with a label of no one": {"", "team=a", "", ""},
	} {
		set := func(pair string) map[string]string {
			if key, value, is := strings.Cut(pair, "="); is {
				return map[string]string{key: value}
			}
			return nil
		}
		a := &Around{Labels: set(tc.labels), Annotations: set(tc.annotations)}
		for _, kind := range []string{"label", "annotation"} {
			p := pod(t, "")
			if kind == "label" {
				p.Template.Labels = set(tc.pod)
			} else {
				p.Template.Annotations = set(tc.pod)
			}
			if got := a.Mesh(p.Template); got != tc.want {
				t.Errorf("%s, by %s: got %q, want %q", name, kind, got, tc.want)
			}
		}
	}
}

func TestAMeshOfTheNamespaceRulesOutTheRedirect(t *testing.T) {
	for _, label := range []string{"istio-injection=enabled", "istio.io/dataplane-mode=ambient",
		"kuma.io/sidecar-injection=enabled"} {
		key, value, _ := strings.Cut(label, "=")
		a := around(t, service(t, "{ port: 80, targetPort: 8080 }"))
		a.Labels = map[string]string{RedirectLabel: Allowed}
		p := pod(t, "")
		p.Has = append(p.Has, Redirect)
		if got, err := Choose(p, a); err != nil || got.Mode != Redirect {
			t.Fatalf("without a mesh: got %s, error %v", got, err)
		}
		a.Labels[key] = value
		got, err := Choose(p, a)
		if err != nil || got.Mode != Observe || !strings.Contains(got.More, "which has rules at the same hook") {
			t.Errorf("%s: got %s, error %v", label, got, err)
		}
	}
}

func TestAPortInAnAnnotationOfAMeshStays(t *testing.T) {
	for annotation, want := range map[string]Mode{
		"consul.hashicorp.com/connect-service-port=8080":                      Observe,
		"consul.hashicorp.com/connect-service-port=http":                      Move,
		"consul.hashicorp.com/transparent-proxy-exclude-inbound-ports=9,8080": Observe,
		"traffic.kuma.io/exclude-inbound-ports=8080":                          Observe,
		"traffic.sidecar.istio.io/includeInboundPorts=8080":                   Observe,
		"config.linkerd.io/opaque-ports=8000-9000":                            Observe,
		"prometheus.io/port=8080":                                             Move,
		"consul.hashicorp.com/connect-service=8080":                           Move,
	} {
		p := pod(t, "")
		key, value, _ := strings.Cut(annotation, "=")
		p.Template.Annotations = map[string]string{key: value}
		if got, err := Choose(p, around(t)); err != nil || got.Mode != want {
			t.Errorf("%s: got %s, error %v", annotation, got, err)
		}
	}
}
