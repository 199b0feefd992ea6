package lifecycle

import "fmt"

// A Phase is how far the process has come towards its end.
type Phase uint8

// The phases, in their only order. Some may be left out.
const (
	// Serving leads to Draining with a stop signal or a drain request, and to Stopped when the app ends by itself.
	Serving Phase = iota
	// Draining serves and asks clients to leave. It leads to Drained with the end of the hold.
	Draining
	// Drained has let the app go and serves what still comes. It leads to Stopped when the app has gone, or when nothing
	// is left to wait for.
	Drained
	// Stopped serves nothing. It leads nowhere.
	Stopped
)

var phaseNames = [...]string{"serving", "draining", "drained", "stopped"}

func (p Phase) String() string { return phaseNames[p] }

// Phases are all phases in their order.
func Phases() []Phase { return []Phase{Serving, Draining, Drained, Stopped} }

// legal are the changes of phase that there are.
var legal = map[Phase][]Phase{
	Serving:  {Draining, Stopped},
	Draining: {Drained},
	Drained:  {Stopped},
}

// mustFollow panics unless the change is legal: every decision is made in one place, so another change is a bug there.
func mustFollow(from, to Phase) {
	for _, p := range legal[from] {
		if p == to {
			return
		}
	}
	panic(fmt.Sprintf("lifecycle: %v cannot become %v", from, to))
}
