package proxy

import (
	"sync/atomic"
)

// classes is the number of classes of exchanges: the first digit of the status code, or 0 without a
// final response.
const classes = 6

// stats are the server's counters.
type stats struct {
	ended             [protocols][endings]atomic.Uint64
	inFlight          atomic.Int64 // exchanges that are traffic
	exchanges         [classes]atomic.Uint64
	probes            atomic.Uint64
	dialFailures      atomic.Uint64
	handshakeFailures atomic.Uint64
	redials           atomic.Uint64 // because the app had closed an idle connection
	resent            atomic.Uint64 // requests that were sent again
	fallbacks         atomic.Int64  // open connections to fallbacks
	fellBack          atomic.Uint64 // connections to fallbacks so far

	requestBytes  atomic.Uint64
	responseBytes atomic.Uint64

	drainExchanges  atomic.Uint64 // that began while draining
	lastInDrain     atomic.Int64  // when the last of them began, in nanoseconds since the epoch
	drainUnanswered atomic.Uint64 // that the app has left unanswered while draining
}

// class returns the class of a status code. One past 599 counts as a server error (RFC 9110 section
// 15).
func class(status int) int { return min(status/100, classes-1) }
