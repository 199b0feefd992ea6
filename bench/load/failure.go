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

// Cause says in what way a request failed. It is empty for a request that was answered as it should be.
type Cause string

// Changeover is a connection that ended as [Reset] says, but one of the request's own, opened or broken while Config.Unsettled
// held: the load balancer has closed the socket in whose queue it lay. No pod has seen the request, since a load balancer that
// had passed it on would have answered 502. It is neither answered nor lost: no way to end a pod could help it.
//
// A refusal is none. Every load balancer opens its new socket before it closes the old one, or keeps it, so that a
// changeover refuses nobody: a refusal has another cause, and is to be seen.
const Changeover Cause = "changeover"

// The causes of losses, in the order in which tables show them.
const (
	// BadGateway is an answer with status 502: the load balancer found no endpoint that answered.
	BadGateway Cause = "502"
	// Unavailable is an answer with status 503.
	Unavailable Cause = "503"
	// OtherStatus is an answer with any other status than 200.
	OtherStatus Cause = "status"
	// Reset is a connection that ended, by RST or by FIN, before the first byte of the answer, unless it is a [Changeover].
	Reset Cause = "reset"
	// Refused is a connection that the peer refused to begin.
	Refused Cause = "refused"
	// Truncated is an answer that ended, by RST or by FIN, after its first byte and before its last.
	Truncated Cause = "truncated"
	// Timeout is a request that was not answered to the end within the timeout.
	Timeout Cause = "timeout"
	// Garbled is an answer that is no HTTP, or that is whole but does not repeat the body of its POST.
	Garbled Cause = "garbled"
	// Local is a request that this machine could not send, for want of ports or descriptors for instance.
	Local Cause = "local"
)

// Causes returns every cause of a loss, in the order in which tables show them.
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

// dialFailure tells a refused connection from one that never came about.
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

// cut tells a timeout from the end of a connection, which is lost as says.
func cut(as Cause, err error) error {
	if isTimeout(err) {
		return &failure{Timeout, err}
	}
	return &failure{as, err}
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

// causeOf returns the cause that a failed request's error carries, and none for no error.
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
