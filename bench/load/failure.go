package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"syscall"
)

// A Cause is the kind of a failure. It is empty for a request that was answered correctly.
type Cause string

// Changeover is a [Reset] of a new connection that was opened or broken while Config.Unsettled was
// true: the load balancer has closed the socket that had the connection in its backlog. No pod has
// seen the request, since a load balancer that had forwarded it would have answered 502. The
// request is neither answered nor lost, since no way to stop a pod could avoid it.
//
// A refusal is never a Changeover. Every load balancer keeps its socket or opens the new one before
// it closes the old one. So a refusal during a changeover has another cause, and is counted as a
// loss.
const Changeover Cause = "changeover"

// The causes of losses, in the order of the tables.
const (
	// BadGateway is a response with status 502: the load balancer found no endpoint that answered.
	BadGateway Cause = "502"
	// Unavailable is a response with status 503.
	Unavailable Cause = "503"
	// OtherStatus is a response with any other status than 200.
	OtherStatus Cause = "status"
	// Reset is a connection that ended, by RST or FIN, before the first byte of the response,
	// unless it is a [Changeover].
	Reset Cause = "reset"
	// Refused is a connection that was refused.
	Refused Cause = "refused"
	// Truncated is a response that ended, by RST or FIN, after its first byte and before its last.
	Truncated Cause = "truncated"
	// Timeout is a request whose response was not complete within the timeout.
	Timeout Cause = "timeout"
	// Garbled is a response that is not HTTP, or that does not repeat the body of its POST.
	Garbled Cause = "garbled"
	// Local is a request that this machine could not send, for example because it had no free port
	// or descriptor.
	Local Cause = "local"
)

// Causes returns every cause of a loss, in the order of the tables.
func Causes() []Cause {
	return []Cause{BadGateway, Unavailable, OtherStatus, Reset, Refused, Truncated, Timeout, Garbled, Local}
}

// failure is the error of a request that failed.
type failure struct {
	cause Cause
	err   error
}

func (f *failure) Error() string { return string(f.cause) + ": " + f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// dialFailure returns the failure of a request that got no connection.
func dialFailure(err error) error {
	err = fmt.Errorf("connect: %w", err)
	switch {
	case isTimeout(err):
		return &failure{Timeout, err}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &failure{Refused, err}
	case errors.Is(err, syscall.ECONNRESET):
		return &failure{Reset, err}
	}
	return &failure{Local, err}
}

// cut returns the failure of a request whose connection ended: a Timeout, or else the given cause.
func cut(cause Cause, err error) error {
	if isTimeout(err) {
		return &failure{Timeout, err}
	}
	return &failure{cause, err}
}

func statusFailure(status int) error {
	err := fmt.Errorf("answered %d %s", status, http.StatusText(status))
	switch status {
	case http.StatusBadGateway:
		return &failure{BadGateway, err}
	case http.StatusServiceUnavailable:
		return &failure{Unavailable, err}
	}
	return &failure{OtherStatus, err}
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, &ne) && ne.Timeout()
}

// causeOf returns the cause of a request's error. It is empty if err is nil.
func causeOf(err error) Cause {
	var f *failure
	switch {
	case err == nil:
		return ""
	case errors.As(err, &f):
		return f.cause
	}
	return Local
}
