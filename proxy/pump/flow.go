package pump

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"

	"lameduck/proxy/h1"
)

// A Conn is a connection of a flow: a [net.Conn] that can half-close, such as [net.TCPConn]. If it
// is a [syscall.Conn] too, waiting for it takes no buffer.
type Conn interface {
	net.Conn
	CloseWrite() error
}

// A ReadError reports that reading from the source of a flow failed, other than by io.EOF.
type ReadError struct{ Err error }

func (e *ReadError) Error() string { return "read: " + e.Err.Error() }

// Unwrap returns the error of the source.
func (e *ReadError) Unwrap() error { return e.Err }

// A WriteError reports that the destination of a flow accepts no more bytes.
type WriteError struct{ Err error }

func (e *WriteError) Error() string { return "write: " + e.Err.Error() }

// Unwrap returns the error of the destination.
func (e *WriteError) Unwrap() error { return e.Err }

// A Flow carries the bytes of one direction from src to dst, unchanged and in order. Its window
// into the buffer has three marks:
//
//	buf[sent:mark]  passed on, not written yet
//	buf[mark:end]   pending: read, not passed on yet
//
// The first pending bytes may have been written ahead, see Forward: then sent is greater than mark.
//
// A Flow belongs to one goroutine. Other goroutines may set its Deadline.
type Flow struct {
	// Deadline limits how long the flow waits for src.
	Deadline Deadline

	src, dst Conn
	raw      syscall.RawConn // of src, or nil if it has no descriptor
	rawDst   syscall.RawConn // of dst, or nil if it has no descriptor
	pipes    *Pipes
	readable func(fd uintptr) bool // f.readNow, bound once so that waiting allocates nothing
	writable func(fd uintptr) bool // f.writeNow, bound once
	out      []byte                // what writeNow has still to write
	outErr   error                 // or why it could not
	written  *atomic.Uint64        // bytes written to dst, by all flows that share the counter
	moved    atomic.Uint64         // by this one
	blocked  atomic.Bool           // dst takes nothing more
	reset    atomic.Bool           // dst has been reset, as a write has found
	reading  atomic.Bool           // see Reading
	back     *Flow                 // the flow of the other direction, or nil

	buf             *Buffer // nil while there is nothing to hold
	sent, mark, end int
	full            bool // the last read filled a common buffer: there is probably more

	first [1]byte // what readFirst waits for

	n   int   // what readNow read
	err error // or why it could not

	claim      Claim // on the budget for slow peers
	charged    bool  // something may be held of it
	slowSource bool  // src is one of them
}

// Init makes f the flow from src to dst. written counts the bytes that it writes. Pending bytes that
// another dst has received ahead are written again. The zero End as dst drops what it receives.
func (f *Flow) Init(src, dst End, pipes *Pipes, written *atomic.Uint64) {
	f.discharge()
	f.reset.Store(false)
	f.sent = min(f.sent, f.mark)
	f.src, f.dst, f.raw, f.rawDst = src.conn, dst.conn, src.raw, dst.raw
	f.pipes, f.written = pipes, written
	f.readable, f.writable = f.readNow, f.writeNow
}

// Pair connects the flows of the two directions of a connection. A socket reports a reset only once
// (sock_error in linux/include/net/sock.h): if a write gets the report, later reads find what has
// arrived, and then an end. In a pair, they find the reset instead of the end.
func Pair(a, b *Flow) { a.back, b.back = b, a }

// An End is one of the two connections, with access to its descriptor if it has one.
type End struct {
	conn Conn
	raw  syscall.RawConn
}

// NewEnd returns the end for a connection.
func NewEnd(c Conn) End {
	return End{conn: c, raw: RawOf(c)}
}

// RawOf returns access to the descriptor of a connection or a listener, or nil if it has none.
func RawOf(c any) syscall.RawConn {
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

// Pending returns the bytes that have been read and not been passed on.
func (f *Flow) Pending() []byte {
	if f.buf == nil {
		return nil
	}
	return f.buf.Bytes[f.mark:f.end]
}

// Pass passes on the next n pending bytes. The next flush writes them.
func (f *Flow) Pass(n int) { f.mark += n }

// Flush writes what has been passed on.
func (f *Flow) Flush() error {
	if f.sent >= f.mark {
		return nil
	}
	err := f.Write(f.buf.Bytes[f.sent:f.mark])
	f.sent = f.mark
	return err
}

// Forward writes the pending bytes ahead. They stay pending, and are not written again when they
// are passed on. Until then nothing may replace or precede them.
func (f *Flow) Forward() error {
	if err := f.Flush(); err != nil || f.sent == f.end {
		return err
	}
	err := f.Write(f.buf.Bytes[f.sent:f.end])
	f.sent = f.end
	return err
}

func (f *Flow) Write(b []byte) error {
	if f.dst == nil {
		return nil
	}
	if err := f.writeAll(b); err != nil {
		return &WriteError{f.cause(err)}
	}
	return nil
}

// Reading reports whether the flow is reading, or has read something since it last waited for src. Any
// goroutine may call it.
func (f *Flow) Reading() bool { return f.reading.Load() }

// setReading saves a store, which costs more than a load.
func (f *Flow) setReading(reading bool) {
	if f.reading.Load() != reading {
		f.reading.Store(reading)
	}
}

// Moved returns the number of bytes that have been written to dst. Any goroutine may call it.
func (f *Flow) Moved() uint64 { return f.moved.Load() }

// Blocked reports whether a write waits because dst accepts no more bytes. It is known only if dst
// has a descriptor. Any goroutine may call it.
func (f *Flow) Blocked() bool { return f.blocked.Load() }

// unblock records that dst accepts bytes again, or may.
func (f *Flow) unblock() {
	if f.blocked.Load() {
		f.blocked.Store(false)
	}
}

// wrote counts bytes that dst has accepted.
func (f *Flow) wrote(n int64) {
	f.written.Add(uint64(n))
	f.moved.Add(uint64(n))
}

// writeAll writes b, or as much of it as it can.
func (f *Flow) writeAll(b []byte) error {
	if f.rawDst == nil {
		n, err := f.dst.Write(b)
		f.wrote(int64(n))
		f.noteReset(err)
		return err
	}
	f.out, f.outErr = b, nil
	err := f.rawDst.Write(f.writable)
	f.out = nil
	if err == nil {
		err = f.outErr
	}
	return err
}

// writeNow writes as much as the socket accepts, and returns false to be called again for the rest.
func (f *Flow) writeNow(fd uintptr) bool {
	f.unblock()
	for len(f.out) > 0 {
		n, err := RawWrite(int(fd), f.out)
		f.out = f.out[n:]
		f.wrote(int64(n))
		if err == syscall.EAGAIN {
			f.holdForDestination()
			f.blocked.Store(true)
			return false
		}
		if err != nil {
			f.noteReset(err)
			f.outErr = err
			return true
		}
	}
	return true
}

// Replace drops the next n pending bytes and writes b in their place.
func (f *Flow) Replace(n int, b []byte) error {
	if err := f.Flush(); err != nil {
		return err
	}
	f.mark += n
	f.sent = f.mark
	return f.Write(b)
}

// Discard drops everything in the buffer.
func (f *Flow) Discard() { f.sent, f.mark = f.end, f.end }

// Release gives the buffer back, and drops its contents.
func (f *Flow) Release() {
	if f.buf != nil {
		f.buf.Free()
	}
	f.discharge()
	f.buf, f.sent, f.mark, f.end = nil, 0, 0, 0
}

// Fill writes what has been passed on, and waits for more bytes. It returns io.EOF itself if src
// has ended, and otherwise a *ReadError or a *WriteError.
func (f *Flow) Fill() error {
	if err := f.Flush(); err != nil {
		return err
	}
	if f.mark == f.end {
		f.Release()
	} else {
		f.makeRoom()
	}
	f.Deadline.Arm()
	if f.raw == nil {
		f.setReading(false)
		f.readBlocking()
		f.setReading(f.n > 0)
	} else if err := f.raw.Read(f.readable); err != nil {
		f.n, f.err = 0, err
	}
	return f.take()
}

// take accounts for the result of the last read.
func (f *Flow) take() error {
	f.end += f.n
	f.full = f.n >= BufferSize
	switch {
	case f.n > 0:
		return nil
	case f.err == nil || f.err == io.EOF:
		return f.endOfSource()
	}
	return &ReadError{f.cause(f.err)}
}

// endOfSource returns how src has ended, when a read has found its end.
func (f *Flow) endOfSource() error {
	if f.back != nil && f.back.reset.Load() {
		return &ReadError{syscall.ECONNRESET}
	}
	return io.EOF
}

// noteReset records whether a write has failed because dst has been reset. After an end of dst, the
// error would be EPIPE.
func (f *Flow) noteReset(err error) {
	if errors.Is(err, syscall.ECONNRESET) {
		f.reset.Store(true)
	}
}

// readNow reads what is there. It borrows a buffer only for that: a connection that waits with
// nothing buffered holds none.
func (f *Flow) readNow(fd uintptr) bool {
	if f.buf == nil {
		f.buf = f.newBuffer()
	}
	f.setReading(true)
	f.n, f.err = rawRead(int(fd), f.buf.Bytes[f.end:])
	if f.n <= 0 {
		f.setReading(false)
	}
	if f.err == syscall.EAGAIN {
		if f.end == 0 {
			f.Release()
		} else {
			f.holdForSource()
		}
		return false
	}
	return true
}

// newBuffer returns a common buffer, or a large one while many bytes arrive: two system calls for
// each 16 KiB would be a quarter of the cost of relaying them.
func (f *Flow) newBuffer() *Buffer {
	if f.full && !f.claim.isTight() {
		return NewLargeBuffer()
	}
	return NewBuffer()
}

// readBlocking is readNow for a src without a descriptor.
func (f *Flow) readBlocking() {
	if src, ok := f.src.(ReadAhead); ok && f.buf == nil && !f.full {
		f.readFirst(src)
		return
	}
	if f.buf == nil {
		f.buf = NewBuffer()
	}
	if f.end > 0 {
		f.holdForSource()
	}
	f.n, f.err = f.src.Read(f.buf.Bytes[f.end:])
}

// A ReadAhead is a connection without a descriptor that reads more from the one below than its
// caller asks for.
type ReadAhead interface {
	Conn
	// ReadBuffered reads bytes that have already been read from the connection below, without
	// waiting. It returns 0 if there are none, or after an error.
	ReadBuffered(b []byte) (n int)
}

// readFirst waits for one byte, without a buffer, and then reads the bytes that arrived with it.
func (f *Flow) readFirst(src ReadAhead) {
	if f.n, f.err = src.Read(f.first[:]); f.n == 0 {
		return
	}
	f.buf = NewBuffer()
	f.buf.Bytes[0] = f.first[0]
	f.n += src.ReadBuffered(f.buf.Bytes[1:])
}

// makeRoom moves the pending bytes to the front of a buffer with room after them. A flow waits with
// pending bytes only for the rest of a head, and the caller bounds its size.
func (f *Flow) makeRoom() {
	pending := f.Pending()
	switch to := f.buf; {
	case len(pending) == len(to.Bytes):
		to = to.larger()
		copy(to.Bytes, pending)
		f.buf.Free()
		f.buf = to
	case f.mark > 0:
		copy(to.Bytes, pending)
	}
	f.sent, f.mark, f.end = f.sent-f.mark, 0, len(pending)
}

// CopyBody passes on the body of a message. It returns nil if the message is complete; its last
// bytes may not be written yet. It returns io.EOF for a body that ends with the connection, and for
// one that is cut short.
func (f *Flow) CopyBody(b *h1.Body) error {
	for !b.Done() {
		if err := f.CopySome(b); err != nil {
			return err
		}
	}
	return nil
}

// CopySome passes on the part of a body that has arrived, and waits if none has.
func (f *Flow) CopySome(b *h1.Body) error {
	if f.mark == f.end {
		if err := f.More(b); err != nil {
			return err
		}
	}
	n, err := b.Scan(f.Pending())
	f.Pass(n)
	return err
}

// More gets further bytes of a body: from kernel to kernel if there are many, into the buffer if
// there are few.
func (f *Flow) More(b *h1.Body) error {
	many := b.Kind() != h1.Tunnel && b.Kind() != h1.UntilClose && b.Opaque() >= spliceFrom
	if !many && !(f.full && b.Opaque() >= spliceFrom) {
		return f.Fill()
	}
	if err := f.Flush(); err != nil {
		return err
	}
	f.Release()
	f.Deadline.Arm()
	n, err := f.splice(b.Opaque())
	f.full = n >= BufferSize
	b.Skip(n)
	if errors.Is(err, errNoSplice) {
		return f.Fill()
	}
	return err
}
