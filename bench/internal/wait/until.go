package wait

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
)

// coarse is how far Go's timers may be off while their process has nothing else to do: Linux' epoll waits in whole
// milliseconds.
const coarse = 1500 * time.Microsecond

// Until returns nil when the time has come, within some 0.1 ms where a processor is free, or the context's error when this is
// done before. It keeps a thread for the last moments, and the clock must be the real one.
func Until(ctx context.Context, at time.Time) error {
	if err := For(ctx, time.Until(at)-coarse); err != nil {
		return err
	}
	for left := time.Until(at); left > 0; left = time.Until(at) { // a signal may end it early
		t := unix.NsecToTimespec(left.Nanoseconds())
		unix.Nanosleep(&t, nil)
	}
	return nil
}
