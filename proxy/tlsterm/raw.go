package tlsterm

import (
	"errors"
	"io"
	"os"
	"sync/atomic"

	"lameduck/proxy/pump"
)

// A Raw is the connection below TLS. Bytes that are read before TLS begins can be read again.
type Raw struct {
	pump.Conn
	handshake *Handshake  // of a client
	begin     []byte      // has been read and not been taken; owned by the reader
	ended     atomic.Bool // nothing more will come
	ahead     bool        // reads find nothing; owned by the reader
	held      held        // of a client
}

// NewRaw returns the connection below the TLS of a client. What TLS holds while it waits for the
// client is charged to budget.
func NewRaw(c pump.Conn, budget *pump.Budget) *Raw {
	r := &Raw{Conn: c}
	r.held.init(c, budget)
	return r
}

// LimitHandshake sets the deadline that ends a handshake for which the budget has no room.
func (r *Raw) LimitHandshake(d *pump.Deadline) { r.held.deadline = d }

// HandshakeEnded gives back what the handshake holds.
func (r *Raw) HandshakeEnded() { r.held.handshakeEnded() }

// firstRead is large enough for what most clients begin with: the header of the PROXY protocol and
// a ClientHello.
const firstRead = 1 << 10

// Peek waits for the first bytes, or for more of them. They are read again.
func (r *Raw) Peek() error {
	b := make([]byte, firstRead)
	n, err := r.read(b)
	r.begin = append(r.begin, b[:n]...)
	if n > 0 {
		return nil
	}
	return err
}

// Peeked returns what [Raw.Peek] has read and [Raw.Take] has not taken.
func (r *Raw) Peeked() []byte { return r.begin }

// Take takes n of the bytes that have been peeked.
func (r *Raw) Take(n int) {
	r.begin = r.begin[n:]
	if len(r.begin) == 0 {
		r.begin = nil // no connection keeps the memory
	}
}

// Read implements [io.Reader].
func (r *Raw) Read(b []byte) (n int, err error) {
	if len(r.begin) > 0 {
		n = copy(b, r.begin)
		r.Take(n)
		return n, nil
	}
	if r.ahead {
		return 0, os.ErrDeadlineExceeded // after which TLS can be read again
	}
	n, err = r.read(b)
	if err == io.EOF {
		r.ended.Store(true)
	}
	return n, err
}

func (r *Raw) read(b []byte) (n int, err error) {
	r.held.beforeRead()
	n, err = r.Conn.Read(b)
	r.held.afterRead(n)
	return n, err
}

// Write implements [io.Writer]. TLS calls it for one record at a time.
func (r *Raw) Write(b []byte) (int, error) { return r.held.write(r.Conn, b) }

// SetLinger is that of [net.TCPConn].
func (r *Raw) SetLinger(seconds int) error {
	if l, ok := r.Conn.(interface{ SetLinger(seconds int) error }); ok {
		return l.SetLinger(seconds)
	}
	return errors.ErrUnsupported
}
