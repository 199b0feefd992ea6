package wait

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
)

// coarse is how late Go's timers may be in an idle process, since Linux's epoll waits in whole
// milliseconds.
const coarse = 1500 * time.Microsecond

// Until waits until a time and returns nil, or returns the context's error if ctx is done first. It
// is accurate to about 0.1 ms if a processor is free. It blocks a thread for the last moments, and
// does not work with a fake clock.
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
