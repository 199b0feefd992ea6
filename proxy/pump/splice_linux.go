package pump

import (
	"errors"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// spliceFrom is the number of outstanding bytes from which on they go from kernel to kernel. Below
// it, two more system calls cost more than the copies that they save.
const spliceFrom = 32 << 10

// pipeSize is the requested capacity of a pipe in bytes. If the kernel refuses, it stays at 64 KiB.
const pipeSize = 256 << 10

// errNoSplice reports that the bytes have to go through a buffer.
var errNoSplice = errors.New("splice not possible")

// A pipe is the kernel buffer between two sockets. It is borrowed only while there are bytes to
// move.
type pipe struct{ r, w int }

// maxIdlePipes bounds the pipes that are kept while they are not in use.
const maxIdlePipes = 32

// Pipes is a pool of pipes with two descriptors each.
type Pipes struct {
	idle  chan pipe
	limit int64
	open  atomic.Int64
}

// NewPipes returns a pool that opens at most limit pipes at a time, or any number if it is zero.
// Without a free pipe, bytes go through a buffer.
func NewPipes(limit int) *Pipes {
	return &Pipes{idle: make(chan pipe, maxIdlePipes), limit: int64(limit)}
}

func (pool *Pipes) take() (pipe, error) {
	select {
	case p := <-pool.idle:
		return p, nil
	default:
	}
	if n := pool.open.Add(1); pool.limit > 0 && n > pool.limit {
		pool.open.Add(-1)
		return pipe{}, errNoSplice
	}
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		pool.open.Add(-1)
		return pipe{}, err
	}
	_, _ = unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, pipeSize)
	return pipe{fds[0], fds[1]}, nil
}

// give keeps an empty pipe for the next use.
func (pool *Pipes) give(p pipe) {
	select {
	case pool.idle <- p:
	default:
		pool.discard(p)
	}
}

// discard closes a pipe.
func (pool *Pipes) discard(p pipe) {
	_ = unix.Close(p.r)
	_ = unix.Close(p.w)
	pool.open.Add(-1)
}

// Close closes the pipes that are not in use.
func (pool *Pipes) Close() {
	for {
		select {
		case p := <-pool.idle:
			pool.discard(p)
		default:
			return
		}
	}
}

// splice moves the next bytes, at most limit, from src to dst without copying them into the
// process. It waits for the first byte, and ends at a pipe's capacity or as soon as src has no
// more. It returns io.EOF if src has ended.
func (f *Flow) splice(limit int64) (moved int64, err error) {
	if f.raw == nil || f.rawDst == nil {
		return 0, errNoSplice
	}
	p, n, err := f.spliceIn(limit)
	if err != nil {
		return 0, err
	}
	moved, err = f.spliceOut(p, n)
	if err != nil {
		f.pipes.discard(p) // what is left in it is lost with the connection
		return moved, &WriteError{err}
	}
	f.pipes.give(p)
	return moved, nil
}

// spliceIn waits for bytes and moves them into a pipe.
func (f *Flow) spliceIn(limit int64) (p pipe, n int64, err error) {
	limit = min(limit, pipeSize)
	var failure error
	err = f.raw.Read(func(fd uintptr) bool {
		if p, failure = f.pipes.take(); failure != nil {
			failure = errNoSplice
			return true
		}
		n, failure = spliceOnce(int(fd), p.w, limit)
		if n <= 0 {
			f.pipes.give(p)
		}
		return failure != unix.EAGAIN
	})
	switch {
	case err != nil:
		return p, 0, &ReadError{err}
	case failure == errNoSplice || failure == unix.EINVAL:
		return p, 0, errNoSplice
	case failure != nil:
		return p, 0, &ReadError{failure}
	case n == 0:
		return p, 0, f.endOfSource()
	}
	return p, n, nil
}

// spliceOut empties a pipe that holds n bytes.
func (f *Flow) spliceOut(p pipe, n int64) (moved int64, err error) {
	var failure error
	err = f.rawDst.Write(func(fd uintptr) bool {
		f.unblock()
		for moved < n {
			var k int64
			if k, failure = spliceOnce(p.r, int(fd), n-moved); failure != nil {
				f.blocked.Store(failure == unix.EAGAIN)
				f.noteReset(failure)
				return failure != unix.EAGAIN
			}
			moved += k
			f.wrote(k)
		}
		return true
	})
	return moved, errors.Join(err, failure)
}

func spliceOnce(from, to int, limit int64) (int64, error) {
	for {
		n, err := unix.Splice(from, nil, to, nil, int(limit), unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
		if err != unix.EINTR {
			return n, err
		}
	}
}
