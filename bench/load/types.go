package load

import (
	"time"

	"lameduck/bench/openloop"
)

// The results are those of package openloop, with the requests of this package.
type (
	// A Sample is the outcome of one request.
	Sample = openloop.Sample[Request]
	// A Result has the outcomes of all requests of a load.
	Result = openloop.Result[Request]
	// Arrivals yields the time at which each request is due, counted from the load's start.
	Arrivals = openloop.Arrivals
	// A Cause is the kind of a failure. It is empty for a request that was answered correctly.
	Cause = openloop.Cause
)

// Changeover is a [Reset] of a new connection that was opened or broken while Config.Unsettled was
// true: the load balancer has closed the socket that had the connection in its backlog. No pod has
// seen the request, since a load balancer that had forwarded it would have answered 502. The
// request is neither answered nor lost, since no way to stop a pod could avoid it.
//
// A refusal is never a Changeover. Every load balancer keeps its socket or opens the new one before
// it closes the old one. So a refusal during a changeover has another cause, and is counted as a
// loss.
const Changeover = openloop.Changeover

// The causes of losses, in the order of the tables. They are coarser than those of openloop.
const (
	// BadGateway is a response with status 502: the load balancer found no endpoint that answered.
	BadGateway = openloop.BadGateway
	// Unavailable is a response with status 503.
	Unavailable = openloop.Unavailable
	// OtherStatus is a response with any other status than 200.
	OtherStatus = openloop.OtherStatus
	// Reset is a connection that ended, by RST or FIN, before the first byte of the response,
	// unless it is a [Changeover].
	Reset = openloop.Reset
	// Refused is a connection that was refused.
	Refused = openloop.Refused
	// Truncated is a response that ended, by RST or FIN, after its first byte and before its last.
	Truncated = openloop.Truncated
	// Timeout is a request whose response was not complete within the timeout.
	Timeout = openloop.Timeout
	// Garbled is a response that is not HTTP, or that does not repeat the body of its POST.
	Garbled = openloop.Garbled
	// Local is a request that this machine could not send, for example because it had no free port
	// or descriptor.
	Local = openloop.Local
)

// Causes returns every cause of a loss, in the order of the tables.
func Causes() []Cause {
	return []Cause{BadGateway, Unavailable, OtherStatus, Reset, Refused, Truncated, Timeout, Garbled, Local}
}

// coarse returns err with the cause of the tables: they do not distinguish a FIN from an RST, nor
// the statuses besides 502 and 503.
func coarse(err error) error {
	switch openloop.CauseOf(err) {
	case openloop.Closed:
		return openloop.Fail(Reset, err)
	case openloop.GatewayTimeout, openloop.OtherServerError:
		return openloop.Fail(OtherStatus, err)
	}
	return err
}

// ErrTooSlow means that so many requests were in flight at a time that the result would measure the
// machine.
var ErrTooSlow = openloop.ErrTooSlow

// Constant returns an endless sequence of arrivals. See [openloop.Constant].
func Constant(perSecond float64) Arrivals { return openloop.Constant(perSecond) }

// Poisson returns an endless sequence of arrivals. See [openloop.Poisson].
func Poisson(perSecond float64, seed uint64) Arrivals { return openloop.Poisson(perSecond, seed) }

// Uniform returns an endless sequence of arrivals. See [openloop.Uniform].
func Uniform(least, most time.Duration, seed uint64) Arrivals {
	return openloop.Uniform(least, most, seed)
}
