package observe

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime runs work and returns the CPU time that it took, in the kernel too.
func cpuTime(work func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begun := threadTime()
	work()
	return threadTime() - begun
}

func threadTime() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
