package pump

import (
	"errors"
	"io"
	"syscall"

	"golang.org/x/sys/unix"
)

// spliceFrom is the number of bytes still to come from which on they go from kernel to kernel: below it two more system
// calls cost more than the copies they save.
const spliceFrom = 32 << 10

// pipeSize is the capacity in bytes that is asked for of a pipe. A kernel that refuses leaves it at 64 KiB.
const pipeSize = 256 << 10

// errNoSplice says that the bytes have to take the way through a buffer.
var errNoSplice = errors.New("splice not possible")

// A pipe is the kernel buffer between two sockets. It is borrowed only while there are bytes to move.
type pipe struct{ r, w int }

// A Pipes keeps the pipes that are not in use, a few of them: each is two descriptors.
type Pipes chan pipe

func NewPipes() Pipes { return make(Pipes, 32) }

func (pool Pipes) take() (pipe, error) {
	select {
	case p := <-pool:
		return p, nil
	default:
	}
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return pipe{}, err
	}
	_, _ = unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, pipeSize)
	return pipe{fds[0], fds[1]}, nil
}

// give keeps an empty pipe for the next use.
func (pool Pipes) give(p pipe) {
	select {
	case pool <- p:
	default:
		p.close()
	}
}

// close closes the pipes that are not in use.
func (pool Pipes) Close() {
	for {
		select {
		case p := <-pool:
			p.close()
		default:
			return
		}
	}
}

func (p pipe) close() {
	_ = unix.Close(p.r)
	_ = unix.Close(p.w)
}

// splice moves what has come of the next limit bytes from src to dst past the program's memory. It waits for the first
// byte, and ends with a pipe's capacity or as soon as src has no more. io.EOF: src has ended.
func (f *Flow) splice(limit int64) (moved int64, err error) {
	if f.raw == nil || f.rawDst == nil {
		return 0, errNoSplice
	}
	p, n, err := f.spliceIn(limit)
	if err != nil {
		return 0, err
	}
	moved, err = spliceOut(f.rawDst, p, n)
	if err != nil {
		p.close() // what is left in it is lost with the connection
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
		return p, 0, io.EOF
	}
	return p, n, nil
}

// spliceOut empties a pipe that holds n bytes.
func spliceOut(out syscall.RawConn, p pipe, n int64) (moved int64, err error) {
	var failure error
	err = out.Write(func(fd uintptr) bool {
		for moved < n {
			var k int64
			if k, failure = spliceOnce(p.r, int(fd), n-moved); failure != nil {
				return failure != unix.EAGAIN
			}
			moved += k
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
