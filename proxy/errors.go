package proxy

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"lameduck/proxy/pump"
)

// isTimeout reports whether err is the expiry of a deadline of ours.
func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// isWrite reports whether err is a *pump.WriteError.
func isWrite(err error) bool {
	var w *pump.WriteError
	return errors.As(err, &w)
}

// isRefused reports whether the connection was refused.
func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// isReset reports whether the peer has reset its connection.
func isReset(err error) bool { return errors.Is(err, syscall.ECONNRESET) }

// isOrdinary reports whether err ends connections in normal operation.
func isOrdinary(err error) bool {
	for _, e := range []error{syscall.ECONNRESET, syscall.EPIPE, net.ErrClosed, os.ErrDeadlineExceeded} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// isOfApp reports whether the app, and not Lameduck, has caused err, which ended the direction from
// the app.
func isOfApp(err error) bool { return isEnd(err) && !errors.Is(err, net.ErrClosed) }

// isEnd reports whether err is the end of a source, by a FIN or an RST.
func isEnd(err error) bool {
	var broken *pump.ReadError
	return err == io.EOF || errors.As(err, &broken) && !isTimeout(err)
}
