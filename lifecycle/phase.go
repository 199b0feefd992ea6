package lifecycle

import "fmt"

// A Phase is a stage in the life of the process.
type Phase uint8

// The phases, in their only order.
const (
	// Serving leads to Draining with a stop signal or a drain request, and to Stopped when the app
	// exits by itself.
	Serving Phase = iota
	// Draining serves and asks clients to leave. It leads to Drained with the end of the hold.
	Draining
	// Drained has released the app and serves requests that still arrive. It leads to Stopped when
	// the app has exited, or when there is nothing to wait for.
	Drained
	// Stopped serves nothing and leads nowhere.
	Stopped
)

var phaseNames = [...]string{"serving", "draining", "drained", "stopped"}

func (p Phase) String() string { return phaseNames[p] }

// Phases returns all phases in their order.
func Phases() []Phase { return []Phase{Serving, Draining, Drained, Stopped} }

// legal has the possible changes of phase.
var legal = map[Phase][]Phase{
	Serving:  {Draining, Stopped},
	Draining: {Drained},
	Drained:  {Stopped},
}

// mustFollow panics unless the change is legal. Run alone changes the phase, so that would be a bug
// in it.
func mustFollow(from, to Phase) {
	for _, p := range legal[from] {
		if p == to {
			return
		}
	}
	panic(fmt.Sprintf("lifecycle: %v cannot become %v", from, to))
}
