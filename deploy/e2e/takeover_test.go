//go:build e2e

package e2e

import (
	"testing"

	"lameduck/deploy/ctl/mode"
)

// wrapped is the annotation that makes Lameduck the parent of the app.
const wrapped = `{ op: add, path: /spec/template/metadata/annotations, value: { lameduck.dev/shape: wrapper } }`

// One annotation is the only change. The app has a tcpSocket probe by number, which must not
// succeed before the app listens.
func Test18TakenPortsLoseNothing(t *testing.T) {
	installWebhook(t)
	s := newStage(t, "pod-security.kubernetes.io/enforce=restricted", enabled)
	s.apply(t, byNumber)
	s.deploy(t, team{replicas: 3, app: probedByNumber, patches: []string{wrapped}})
	s.expectMode(t, mode.Takeover, 3)
	s.expectLosslessOnOwnPort(t)
	s.expectMode(t, mode.Takeover, 3)
	for _, m := range s.events(t, "FailedCreate") {
		t.Errorf("a pod was refused: %s", m)
	}
}
