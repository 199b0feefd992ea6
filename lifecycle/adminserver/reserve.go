package adminserver

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// reserved is the number of descriptors that are held in reserve.
const reserved = 8

// A reserve holds descriptors for the time when the process has no others. Its methods may be called by
// any goroutine.
type reserve struct {
	mu     sync.Mutex
	fds    []int
	closed bool
}

// fill opens descriptors until the reserve is full or there are no more.
func (r *reserve) fill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.fds) < reserved && !r.closed {
		fd, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return
		}
		r.fds = append(r.fds, fd)
	}
}

// spend gives a descriptor back to the system. It reports false if none is left.
func (r *reserve) spend() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.spendLocked()
}

func (r *reserve) spendLocked() bool {
	if len(r.fds) == 0 {
		return false
	}
	last := len(r.fds) - 1
	_ = unix.Close(r.fds[last])
	r.fds = r.fds[:last]
	return true
}

// close gives every descriptor back, for good.
func (r *reserve) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for r.spendLocked() {
	}
}
