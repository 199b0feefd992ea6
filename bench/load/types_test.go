package load

import (
	"slices"
	"testing"
)

func TestChangeoverIsNotACauseOfALoss(t *testing.T) {
	if slices.Contains(Causes(), Changeover) {
		t.Error("a changeover is among the causes of losses")
	}
}
