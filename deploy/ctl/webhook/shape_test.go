package webhook

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

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
