package proxy

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"lameduck/proxy/h1"
)

// A Conn is what the relay needs of a connection: a [net.Conn] that can close its sending side alone. [net.TCPConn] is one.
// One that is a [syscall.Conn] too is waited for without a buffer.
type Conn interface {
	net.Conn
	CloseWrite() error
}

// A flow carries the bytes of one direction, unchanged and in order, from src to dst. Its window into the buffer has
// three marks:
//
//	buf[start:mark]  passed on, not written yet
//	buf[mark:end]    read, not looked at yet
//
// A flow belongs to one goroutine; only limit is set by others.
type flow struct {
	src, dst Conn
	raw      syscall.RawConn // of src; nil: src has no descriptor
	rawDst   syscall.RawConn // of dst, likewise
	pipes    pipePool
	readable func(fd uintptr) bool // f.readNow, bound once so that waiting allocates nothing
	writable func(fd uintptr) bool // f.writeNow, likewise
	out      []byte                // what writeNow has still to write
	outErr   error                 // or why it could not
	written  *atomic.Uint64        // bytes written to dst
	limit    atomic.Int64          // how long src may stay silent, in nanoseconds; 0: for ever

	buf              *buffer // nil while there is nothing in hand
	start, mark, end int
	full             bool // the last read would have filled a common buffer: there is probably more

	n   int   // what readNow read
	err error // or why it could not
}

func (f *flow) init(src, dst end, pipes pipePool, written *atomic.Uint64) {
	f.src, f.dst, f.raw, f.rawDst = src.conn, dst.conn, src.raw, dst.raw
	f.pipes, f.written = pipes, written
	f.readable, f.writable = f.readNow, f.writeNow
}

// An end is one of the two connections with, where it has one, the way to its descriptor.
type end struct {
	conn Conn
	raw  syscall.RawConn
}

func newEnd(c Conn) end {
	return end{conn: c, raw: rawOf(c)}
}

// rawOf returns the way to the descriptor of a connection or a listener; nil: it has none.
func rawOf(c any) syscall.RawConn {
	s, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// pending returns the bytes that have been read and not been looked at.
func (f *flow) pending() []byte {
	if f.buf == nil {
		return nil
	}
	return f.buf.bytes[f.mark:f.end]
}

// advance passes on the next n pending bytes. They are written with the next flush.
func (f *flow) advance(n int) { f.mark += n }

// flush writes what has been passed on.
func (f *flow) flush() error {
	if f.start == f.mark {
		return nil
	}
	err := f.write(f.buf.bytes[f.start:f.mark])
	f.start = f.mark
	return err
}

func (f *flow) write(b []byte) error {
	n, err := f.writeAll(b)
	f.written.Add(uint64(n))
	if err != nil {
		return &writeError{err}
	}
	return nil
}

// writeAll writes b, or as much of it as it can.
func (f *flow) writeAll(b []byte) (n int, err error) {
	if f.rawDst == nil {
		return f.dst.Write(b)
	}
	f.out, f.outErr = b, nil
	err = f.rawDst.Write(f.writable)
	n = len(b) - len(f.out)
	f.out = nil
	if err == nil {
		err = f.outErr
	}
	return n, err
}

// writeNow writes what the socket takes, and asks to be called again for the rest.
func (f *flow) writeNow(fd uintptr) bool {
	for len(f.out) > 0 {
		n, err := rawWrite(int(fd), f.out)
		f.out = f.out[n:]
		if err == syscall.EAGAIN {
			return false
		}
		if err != nil {
			f.outErr = err
			return true
		}
	}
	return true
}

// replace drops the next n pending bytes and writes b in their place.
func (f *flow) replace(n int, b []byte) error {
	if err := f.flush(); err != nil {
		return err
	}
	f.mark += n
	f.start = f.mark
	return f.write(b)
}

// discard drops everything in hand.
func (f *flow) discard() { f.start, f.mark = f.end, f.end }

// release gives the buffer back with whatever is in it.
func (f *flow) release() {
	if f.buf != nil {
		f.buf.free()
	}
	f.buf, f.start, f.mark, f.end = nil, 0, 0, 0
}

// fill writes what has been passed on and waits for more bytes. It returns io.EOF bare when src has ended, otherwise a
// *readError or a *writeError.
func (f *flow) fill() error {
	if err := f.flush(); err != nil {
		return err
	}
	if f.mark == f.end {
		f.release()
	} else {
		f.makeRoom()
	}
	f.arm()
	if f.raw == nil {
		f.readBlocking()
	} else if err := f.raw.Read(f.readable); err != nil {
		f.n, f.err = 0, err
	}
	return f.take()
}

// take accounts for what the last read brought.
func (f *flow) take() error {
	f.end += f.n
	f.full = f.n >= bufferSize
	switch {
	case f.n > 0:
		return nil
	case f.err == nil || f.err == io.EOF:
		return io.EOF
	}
	return &readError{f.err}
}

// readNow reads what is there. It takes a buffer only for that: a connection that waits with nothing in hand holds
// none.
func (f *flow) readNow(fd uintptr) bool {
	if f.buf == nil {
		f.buf = f.newBuffer()
	}
	f.n, f.err = rawRead(int(fd), f.buf.bytes[f.end:])
	if f.err == syscall.EAGAIN {
		if f.end == 0 {
			f.release()
		}
		return false
	}
	return true
}

// newBuffer returns a common buffer, or a large one while bytes come in masses: then two system calls for each 16 KiB are a
// quarter of what passing them on costs.
func (f *flow) newBuffer() *buffer {
	if f.full {
		return newLargeBuffer()
	}
	return newBuffer()
}

// readBlocking is readNow for a src that has no descriptor.
func (f *flow) readBlocking() {
	if f.buf == nil {
		f.buf = newBuffer()
	}
	f.n, f.err = f.src.Read(f.buf.bytes[f.end:])
}

// makeRoom moves the pending bytes to the front of a buffer that has room behind them: a large one once they fill a
// common one. Nothing but a head makes a flow wait with bytes in hand, so MaxHead is room enough.
func (f *flow) makeRoom() {
	pending := f.pending()
	to := f.buf
	if len(pending) == len(to.bytes) {
		to = newLargeBuffer()
	}
	n := copy(to.bytes, pending)
	if to != f.buf {
		f.buf.free()
		f.buf = to
	}
	f.start, f.mark, f.end = 0, 0, n
}

// arm renews the deadline of a flow whose silence is limited.
func (f *flow) arm() {
	if limit := f.limit.Load(); limit > 0 {
		_ = f.src.SetReadDeadline(time.Now().Add(time.Duration(limit)))
	}
}

// limitSilence lets src be silent for d at most from now on. Any goroutine may call it.
func (f *flow) limitSilence(d time.Duration) {
	f.limit.Store(int64(d))
	f.arm()
}

// copyBody passes a message's body on. When it returns nil the message is complete, but its last bytes may not be
// written yet. A body that ends with the connection returns io.EOF, and so does one that is cut short.
func (f *flow) copyBody(b *h1.Body) error {
	for !b.Done() {
		if f.mark == f.end {
			if err := f.more(b); err != nil {
				return err
			}
		}
		n, err := b.Scan(f.pending())
		f.advance(n)
		if err != nil {
			return err
		}
	}
	return nil
}

// more gets further bytes of a body: past the flow from kernel to kernel where there are many, into the buffer
// otherwise.
func (f *flow) more(b *h1.Body) error {
	many := b.Kind() != h1.Tunnel && b.Kind() != h1.UntilClose && b.Opaque() >= spliceFrom
	if !many && !(f.full && b.Opaque() >= spliceFrom) {
		return f.fill()
	}
	if err := f.flush(); err != nil {
		return err
	}
	f.release()
	f.arm()
	n, err := f.splice(b.Opaque())
	f.full = n >= bufferSize
	b.Skip(n)
	f.written.Add(uint64(n))
	if errors.Is(err, errNoSplice) {
		return f.fill()
	}
	return err
}
