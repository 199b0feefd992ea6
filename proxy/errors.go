package proxy

import (
	"errors"
	"net"
	"os"
	"syscall"

	"lameduck/proxy/pump"
)

// errClosing ends a direction in which nothing more is passed on although its source has not ended.
var errClosing = errors.New("connection is closing")

// errSpeaks says that another protocol is spoken from here on.
var errSpeaks = errors.New("protocol switched")

// errTooShort says that what has come may begin this or that.
var errTooShort = errors.New("too short to be told")

// errUnsolicited says that the app sends a response which no request has asked for.
var errUnsolicited = errors.New("response without a request")

// isTimeout tells whether err is a deadline of ours.
func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// isWrite tells whether err is a *pump.WriteError.
func isWrite(err error) bool {
	var w *pump.WriteError
	return errors.As(err, &w)
}

// isRefused tells whether nobody listens at the address that was dialled.
func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// isOrdinary tells whether err is one of those with which connections end in normal operation.
func isOrdinary(err error) bool {
	for _, e := range []error{syscall.ECONNRESET, syscall.EPIPE, net.ErrClosed, os.ErrDeadlineExceeded} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
