package webhook

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"lameduck/deploy/ctl/inject"
)

func TestTheShapeFollowsFromTheClustersVersion(t *testing.T) {
	for version, want := range map[string]inject.Shape{
		"v1.28.15": inject.Plain, "v1.29.0": inject.Native, "v1.29.3-gke.1200": inject.Native,
		"v1.34.4": inject.Native, "v1.28.15+k3s1": inject.Plain, "v2.0.0": inject.Native,
	} {
		synctest.Test(t, func(t *testing.T) {
			i := newInjector(own, nil, "1", zap.NewNop())
			s := settings()
			s.Shape = ""
			asked := 0
			ask := func(context.Context) (string, error) {
				asked++
				switch asked {
				case 1:
					return "", errDown
				case 2:
					return "unknown", nil
				}
				return version, nil
			}
			chooseShape(t.Context(), ask, i, s, zap.NewNop())
			got := i.settings.Load()
			if got == nil || got.Shape != want || got.Kubernetes != version {
				t.Errorf("%s: %+v", version, got)
			}
			if asked != 3 {
				t.Errorf("asked %d times", asked)
			}
		})
	}
}

// An app that cannot be wrapped gets a sidecar that the cluster has.
func TestAShapeIsReplacedByOneThatTheClusterHas(t *testing.T) {
	for version, want := range map[string]inject.Shape{"v1.28.15": inject.Plain, "v1.29.0": inject.Native} {
		h := newTestHandler(testLog(t))
		s := *h.injector.settings.Load()
		s.Shape = inject.Wrapper
		known := func(context.Context) (string, error) { return version, nil }
		chooseShape(t.Context(), known, h.injector, s, zap.NewNop())
		if got := h.injector.settings.Load().Shape; got != inject.Wrapper {
			t.Errorf("%s: the shape becomes %s", version, got)
		}
		pod := decodePod(t, apply(t, appPod, ask(t, h, question{})))
		native := len(pod.Spec.InitContainers) == 1
		if native != (want == inject.Native) || len(pod.Spec.Containers) != map[bool]int{true: 1, false: 2}[native] {
			t.Errorf("%s: %d init containers and %d containers, want the shape %s", version,
				len(pod.Spec.InitContainers), len(pod.Spec.Containers), want)
		}
	}
}

func TestTheVersionOfTheClusterIsAskedForAlsoWithAShape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := runInMemory(t, func(c *Config) {
			c.Settings.Shape = inject.Wrapper
			c.ServerVersion = func(context.Context) (string, error) { return "v1.28.15", nil }
		})
		defer r.end()
		synctest.Wait()
		if got := r.server.injector.settings.Load(); got.Shape != inject.Wrapper || got.Kubernetes != "v1.28.15" {
			t.Errorf("shape %s for the version %q", got.Shape, got.Kubernetes)
		}
	})
}

// A slowMirror has settled after a while.
type slowMirror struct {
	noMirror
	at time.Time
}

func (m slowMirror) Settled() bool { return !time.Now().Before(m.at) }

func TestAReplicaIsReadyWhenItHasReadTheCluster(t *testing.T) {
	for takes, ready := range map[time.Duration]time.Duration{2 * time.Second: 2 * time.Second, time.Hour: mirrorTimeout} {
		synctest.Test(t, func(t *testing.T) {
			r := runInMemory(t, func(c *Config) { c.Mirror = slowMirror{at: time.Now().Add(takes)} })
			defer r.end()
			time.Sleep(ready - time.Millisecond)
			if status, text := r.get("/readyz"); status != 503 || !strings.Contains(text, "cluster") {
				t.Errorf("settled after %v: status %d, %s", takes, status, text)
			}
			time.Sleep(mirrorPoll + time.Millisecond)
			if status, text := r.get("/readyz"); status != 200 {
				t.Errorf("settled after %v: status %d, %s after %v", takes, status, text, ready)
			}
		})
	}
}

func TestTheServerIsNotReadyBeforeTheShapeIsKnown(t *testing.T) {
	c, _ := testConfig(t)
	c.Settings.Shape = ""
	s, err := assemble(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ready(); err == nil || !strings.Contains(err.Error(), "version") {
		t.Errorf("error %v", err)
	}
}
