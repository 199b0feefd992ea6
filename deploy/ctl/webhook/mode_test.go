package webhook

import (
	"context"
	"strings"
	"testing"

	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"lameduck/deploy/ctl/mode"
)

// patchOf returns the patch for appPod.
func patchOf(t *testing.T, h *handler) string {
	t.Helper()
	answer := allowed(t, post(h, strings.NewReader(question{}.String())).Body.Bytes())
	return string(answer.Patch)
}

func TestAutoObservesUntilTheServicesAreKnown(t *testing.T) {
	h := newTestHandler(zap.NewNop())
	if patch := patchOf(t, h); !strings.Contains(patch, "LAMEDUCK_OBSERVE") ||
		strings.Contains(patch, "LAMEDUCK_ROUTES") {
		t.Errorf("patch %s while the Services are unknown, want the port observed", patch)
	}
	asked := ""
	h.injector.around = func(namespace string) *mode.Around {
		asked = namespace
		return &mode.Around{Namespace: namespace, Services: []*corev1.Service{{
			ObjectMeta: metav1.ObjectMeta{Name: "app"},
			Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "app"},
				Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromString("http")}}},
		}}}
	}
	if patch := patchOf(t, h); !strings.Contains(patch, "LAMEDUCK_ROUTES") || asked == "" {
		t.Errorf("patch %[2]s with the Services of namespace %[1]q, want the port relayed", asked, patch)
	}
}

// The sidecar of a pod depends on the Ingresses and the limits of its namespace.
func TestThePodFitsItsNamespace(t *testing.T) {
	h := newTestHandler(zap.NewNop())
	h.injector.around = func(namespace string) *mode.Around {
		sticky := map[string]string{"nginx.ingress.kubernetes.io/affinity": "cookie"}
		return &mode.Around{
			Namespace: namespace, Annotations: map[string]string{"openshift.io/sa.scc.uid-range": "1000650000/10000"},
			Services: []*corev1.Service{{
				ObjectMeta: metav1.ObjectMeta{Name: "app"},
				Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "app"}},
			}},
			Ingresses: []*networkingv1.Ingress{{
				ObjectMeta: metav1.ObjectMeta{Name: "app", Annotations: sticky},
				Spec: networkingv1.IngressSpec{DefaultBackend: &networkingv1.IngressBackend{
					Service: &networkingv1.IngressServiceBackend{Name: "app"},
				}},
			}},
			LimitRanges: []*corev1.LimitRange{{Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{
				Type: corev1.LimitTypeContainer,
				Max:  corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("100Mi")},
			}}}}},
		}
	}
	patch := patchOf(t, h)
	for _, want := range []string{"LAMEDUCK_UNREADY_AFTER", `"memory":"100Mi"`} {
		if !strings.Contains(patch, want) {
			t.Errorf("no %s in the patch %s", want, patch)
		}
	}
	if strings.Contains(patch, "65532") {
		t.Errorf("fixed user in the patch %s", patch)
	}
}

func TestAPausedWebhookInjectsNothing(t *testing.T) {
	h := newTestHandler(zap.NewNop())
	h.injector.paused = true
	if patch := patchOf(t, h); patch != "" {
		t.Errorf("patch %s", patch)
	}
}

type noMirror struct{}

func (noMirror) Run(context.Context)        {}
func (noMirror) Settled() bool              { return true }
func (noMirror) Around(string) *mode.Around { return &mode.Around{Unknown: "all"} }

func TestTheConfigurationReachesTheInjector(t *testing.T) {
	c, _ := testConfig(t)
	c.Paused, c.Mirror = true, noMirror{}
	s, err := assemble(c)
	if err != nil {
		t.Fatal(err)
	}
	if !s.injector.paused || s.injector.around("shop").Unknown != "all" {
		t.Errorf("paused: %v, around: %v", s.injector.paused, s.injector.around("shop"))
	}
}

// Refuses reports the same as the injector.
func TestTheReasonToRefuseIsThatOfTheInjector(t *testing.T) {
	for _, c := range []Config{{Namespace: own}, {Namespace: own, Never: []string{"bank"}}, {Namespace: own, Paused: true}} {
		i := newInjector(c.Namespace, c.Never, "", zap.NewNop())
		i.paused = c.Paused
		for _, namespace := range []string{own, "shop", "bank", "kube-system", "kube-public", "kube-node-lease"} {
			if refuses := i.paused || i.never[namespace]; refuses != (c.Refuses(namespace) != "") {
				t.Errorf("%+v: the reason for %s is %q, and the injector refuses: %v", c, namespace,
					c.Refuses(namespace), refuses)
			}
		}
	}
}
