package accept

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestFailuresAreLoggedOnceASecondWithTheirNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.ErrorLevel)
		f := NewFailures(zap.New(core))
		for range 100 {
			f.Add(syscall.EMFILE)
			time.Sleep(50 * time.Millisecond)
		}
		lines := logs.All()
		if len(lines) != 5 {
			t.Errorf("5s of failures were logged in %d lines, want 5", len(lines))
		}
		for i, line := range lines {
			want := uint64(20)
			if i == 0 {
				want = 1 // the first one is logged at once
			}
			if n := line.ContextMap()["failures"]; n != want {
				t.Errorf("line %d has %v failures, want %d", i, n, want)
			}
		}
		if f.Total() != 100 {
			t.Errorf("%d failures in total, want 100", f.Total())
		}
	})
}

func TestOnlyAListenerThatHasEndedIsGivenUp(t *testing.T) {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EPERM, syscall.ENETDOWN} {
		if err := (&net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", e)}); !IsTransient(err) {
			t.Errorf("%v is not transient", err)
		}
	}
	for _, e := range []error{net.ErrClosed, syscall.EBADF, syscall.EINVAL, errors.New("other")} {
		if err := fmt.Errorf("accept: %w", e); IsTransient(err) {
			t.Errorf("%v is transient", err)
		}
	}
}
