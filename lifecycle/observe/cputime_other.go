//go:build !linux

package observe

import "time"

// cpuTime runs work and returns the time that it took.
func cpuTime(work func()) time.Duration {
	begun := time.Now()
	work()
	return time.Since(begun)
}
