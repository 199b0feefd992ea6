package command

import (
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A child may have very many children.
func TestNotifyExec_ASignalIsNotLostAmongThoseOfThisProcess(t *testing.T) {
	signals := make(chan os.Signal, signalBacklog)
	notifyExec(signals, false)
	defer signal.Reset()
	for range 2 * cap(signals) {
		for _, s := range []syscall.Signal{unix.SIGCHLD, unix.SIGURG, unix.SIGPIPE} {
			if err := unix.Kill(os.Getpid(), s); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(50 * time.Microsecond) // so that they are not merged
	}
	if err := unix.Kill(os.Getpid(), unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case s := <-signals:
		if s != unix.SIGTERM {
			t.Errorf("first signal %v, want only SIGTERM", s)
		}
	case <-time.After(time.Minute):
		t.Error("SIGTERM is lost")
	}
}
