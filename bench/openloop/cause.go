package openloop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
)

// A Cause is the kind of a failure. It is empty for a request that was answered correctly.
type Cause string

// Changeover is a [Reset] of a new connection that was caused by the load balancer and not by a pod:
// it has closed the socket that had the connection in its backlog. The request is neither answered
// nor lost. Only a harness that controls the load balancer can know that (see bench/load).
const Changeover Cause = "changeover"

// The causes of losses.
const (
	// BadGateway is a response with status 502: the load balancer found no endpoint that answered.
	BadGateway Cause = "502"
	// Unavailable is a response with status 503.
	Unavailable Cause = "503"
	// GatewayTimeout is a response with status 504.
	GatewayTimeout Cause = "504"
	// OtherServerError is a response with any other status of 500 or more.
	OtherServerError Cause = "5xx"
	// OtherStatus is a response with any other status that was not expected.
	OtherStatus Cause = "status"
	// Refused is a connection that was refused.
	Refused Cause = "refused"
	// Reset is a connection that was reset before the first byte of the response.
	Reset Cause = "reset"
	// Closed is a connection that was closed before the first byte of the response.
	Closed Cause = "closed"
	// Truncated is a response that ended, by RST or FIN, after its first byte and before its last.
	Truncated Cause = "truncated"
	// Timeout is a request whose response was not complete within the timeout.
	Timeout Cause = "timeout"
	// TLS is a TLS handshake that failed, for example because of the certificate.
	TLS Cause = "tls"
	// GoAway is an HTTP/2 request that a GOAWAY of the server left without a response.
	GoAway Cause = "goaway"
	// Garbled is a response that violates its protocol, or that does not repeat the body of its
	// request where it must.
	Garbled Cause = "garbled"
	// Local is a request that this machine could not send, for example because it had no free port
	// or descriptor.
	Local Cause = "local"
)

// A failure is the error of a request that failed.
type failure struct {
	cause Cause
	err   error
}

func (f *failure) Error() string { return string(f.cause) + ": " + f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// Fail returns the failure of a request with the given cause.
func Fail(cause Cause, err error) error { return &failure{cause, err} }

// CauseOf returns the cause of a request's error. It is empty if err is nil, and [Local] if err is
// not from [Fail].
func CauseOf(err error) Cause {
	var f *failure
	switch {
	case err == nil:
		return ""
	case errors.As(err, &f):
		return f.cause
	}
	return Local
}

// DialFailure returns the failure of a request that got no connection.
func DialFailure(err error) error {
	err = fmt.Errorf("connect: %w", err)
	switch {
	case isTimeout(err):
		return Fail(Timeout, err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return Fail(Refused, err)
	case errors.Is(err, syscall.ECONNRESET):
		return Fail(Reset, err)
	}
	return Fail(Local, err)
}

// EndFailure returns the failure of a request whose connection ended before the first byte of the
// response: a Timeout, Closed or Reset.
func EndFailure(err error) error {
	switch {
	case isTimeout(err):
		return Fail(Timeout, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Fail(Closed, err)
	}
	return Fail(Reset, err)
}

// StatusFailure returns the failure of a request that was answered with an unexpected status.
func StatusFailure(status int) error {
	err := fmt.Errorf("answered %d %s", status, http.StatusText(status))
	switch {
	case status == http.StatusBadGateway:
		return Fail(BadGateway, err)
	case status == http.StatusServiceUnavailable:
		return Fail(Unavailable, err)
	case status == http.StatusGatewayTimeout:
		return Fail(GatewayTimeout, err)
	case status >= http.StatusInternalServerError:
		return Fail(OtherServerError, err)
	}
	return Fail(OtherStatus, err)
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, &ne) && ne.Timeout()
}
