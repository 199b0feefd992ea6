package lifecycle

import (
	"fmt"
	"slices"
	"testing"
)

// Every change of phase that is not in the table panics.
func TestPhasesChangeAsTheTableSays(t *testing.T) {
	for _, from := range Phases() {
		for _, to := range Phases() {
			t.Run(fmt.Sprintf("%v to %v", from, to), func(t *testing.T) {
				isLegal := slices.Contains(legal[from], to)
				defer func() {
					if panicked := recover() != nil; panicked == isLegal {
						t.Errorf("legal: %v, panics: %v", isLegal, panicked)
					}
				}()
				mustFollow(from, to)
			})
		}
	}
}

func TestPhasesOnlyGoForward(t *testing.T) {
	for from, all := range legal {
		for _, to := range all {
			if to <= from {
				t.Errorf("%v may become %v", from, to)
			}
		}
	}
}
