package openloop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"testing"
)

func TestCauses(t *testing.T) {
	for want, errs := range map[Cause][]error{
		"":                {nil},
		BadGateway:        {StatusFailure(502)},
		Unavailable:       {StatusFailure(503)},
		GatewayTimeout:    {StatusFailure(504)},
		OtherServerError:  {StatusFailure(500), StatusFailure(599)},
		OtherStatus:       {StatusFailure(404), StatusFailure(204)},
		Refused:           {DialFailure(syscall.ECONNREFUSED)},
		Reset:             {DialFailure(syscall.ECONNRESET), EndFailure(syscall.ECONNRESET), EndFailure(syscall.EPIPE)},
		Closed:            {EndFailure(io.EOF), EndFailure(io.ErrUnexpectedEOF)},
		Timeout:           {DialFailure(context.DeadlineExceeded), EndFailure(syscall.ETIMEDOUT)},
		Local:             {errors.New("?"), DialFailure(syscall.EADDRNOTAVAIL)},
		Cause("whatever"): {fmt.Errorf("wrapped: %w", Fail("whatever", io.EOF))},
	} {
		for _, err := range errs {
			if got := CauseOf(err); got != want {
				t.Errorf("%v is counted as %q, want %q", err, got, want)
			}
		}
	}
}
