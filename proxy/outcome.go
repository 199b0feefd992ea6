package proxy

import (
	"io"

	"lameduck/proxy/pump"
)

// An outcome is the result of a step of one direction. The zero outcome means that the direction
// goes on.
type outcome struct {
	verdict verdict
	err     error // of ended
}

// A verdict is what a direction does next.
type verdict uint8

const (
	goesOn   verdict = iota
	ended            // its source or destination has, with err; io.EOF is a clean end
	lastSent         // nothing more is relayed, although the source has not ended
	switched         // what follows is relayed in another protocol
	idling           // the connection is parked, and the goroutine of the direction ends
	detached         // the app has closed, and the client stays; the goroutine ends
	stale            // the app has closed without an answer: the outstanding request is sent again
)

// proceed is the outcome of a direction that goes on.
var proceed = outcome{}

// endedBy returns the outcome of a direction that ends with err, or proceed if err is nil.
func endedBy(err error) outcome {
	if err == nil {
		return proceed
	}
	return outcome{ended, err}
}

// stops reports whether the direction does not simply go on.
func (o outcome) stops() bool { return o.verdict != goesOn }

// passRest passes the pending bytes of a flow whose source has ended within a header. The
// destination sees the same end as on a direct connection.
func passRest(f *pump.Flow, o outcome) outcome {
	if o.verdict == ended && o.err == io.EOF && len(f.Pending()) > 0 {
		f.Pass(len(f.Pending()))
		if err := f.Flush(); err != nil {
			return endedBy(err)
		}
	}
	return o
}
