// Package accept tells transient errors of accept(2) from final ones, and logs them without
// flooding the log.
package accept

import (
	"errors"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"
)

// RetryAfter is the pause after an accept that failed because descriptors or memory ran out.
const RetryAfter = 50 * time.Millisecond

// transient are the errors of accept(2) that do not affect the listener: a resource is exhausted,
// or the connection has already ended. Network errors of the new connection are among them; see
// accept(2), "Error handling".
var transient = []error{
	syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED,
	syscall.EPERM, syscall.EPROTO, syscall.ENOPROTOOPT, syscall.ENETDOWN, syscall.ENETUNREACH,
	syscall.EHOSTDOWN, syscall.EHOSTUNREACH, syscall.EOPNOTSUPP,
}

// IsTransient reports whether accept should be retried.
func IsTransient(err error) bool {
	for _, e := range transient {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// LacksDescriptors reports whether accept failed because the process or the system has no descriptor
// left.
func LacksDescriptors(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// logInterval is the least time between two log lines of a [Failures].
const logInterval = time.Second

// Failures counts failed accepts, and logs them at most once a second. Its methods may be called by
// any goroutine.
type Failures struct {
	log *zap.Logger

	mu       sync.Mutex
	total    uint64
	unlogged uint64 // since the last line
	logged   time.Time
}

// NewFailures returns failures that are logged to log.
func NewFailures(log *zap.Logger) *Failures { return &Failures{log: log} }

// Add adds a failure.
func (f *Failures) Add(err error) {
	f.mu.Lock()
	f.total++
	f.unlogged++
	now, n := time.Now(), f.unlogged
	due := now.Sub(f.logged) >= logInterval
	if due {
		f.logged, f.unlogged = now, 0
	}
	f.mu.Unlock()
	if due {
		f.log.Error("accept failed", zap.Error(err), zap.Uint64("failures", n))
	}
}

// Total returns how many accepts have failed.
func (f *Failures) Total() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.total
}
