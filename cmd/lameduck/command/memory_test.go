package command

import "testing"

func TestHeapLimit(t *testing.T) {
	if got := (memoryShares{300, false}).heap(); got != 200 {
		t.Errorf("%d of 300, want two thirds", got)
	}
	if got := (memoryShares{300, true}).heap(); got != 100 {
		t.Errorf("%d of 300 beside an app, want a third", got)
	}
}
