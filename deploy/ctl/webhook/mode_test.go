package webhook

import (
	"context"
	"strings"
	"testing"

	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
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
		t.Errorf("nothing is known, and the patch is %s", patch)
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
		t.Errorf("around %q is known, and the patch is %s", asked, patch)
	}
}

func TestAPausedWebhookInjectsNothing(t *testing.T) {
	h := newTestHandler(zap.NewNop())
	h.injector.paused = true
	if patch := patchOf(t, h); patch != "" {
		t.Errorf("the patch is %s", patch)
	}
}

type noMirror struct{}

func (noMirror) Run(context.Context)        {}
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
