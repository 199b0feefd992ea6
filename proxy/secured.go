package proxy

import (
	"crypto/tls"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
)

// An outer is the connection below TLS. What has been read of it before TLS begins is read again.
type outer struct {
	Conn
	handshake *handshake  // of a client's; nil: it is the app's
	begin     []byte      // has been read and not been taken; owned by the reader
	ended     atomic.Bool // nothing more will come
	ahead     bool        // reads find nothing; owned by the reader
	held      tlsHeld     // of a client's
}

// firstRead is room for most of what a client begins with: the header of the PROXY protocol, a ClientHello.
const firstRead = 1 << 10

// peek waits for the first bytes, or for more of them, and takes none.
func (o *outer) peek() error {
	b := make([]byte, firstRead)
	o.held.beforeRead()
	n, err := o.Conn.Read(b)
	o.held.afterRead(n)
	o.begin = append(o.begin, b[:n]...)
	if n > 0 {
		return nil
	}
	return err
}

func (o *outer) Read(b []byte) (n int, err error) {
	if len(o.begin) > 0 {
		n = copy(b, o.begin)
		o.begin = o.begin[n:]
		return n, nil
	}
	if o.ahead {
		return 0, os.ErrDeadlineExceeded // after which TLS can be read again
	}
	o.held.beforeRead()
	n, err = o.Conn.Read(b)
	o.held.afterRead(n)
	if err == io.EOF {
		o.ended.Store(true)
	}
	return n, err
}

// Write writes b. TLS calls it for one record at a time.
func (o *outer) Write(b []byte) (int, error) { return o.held.write(o.Conn, b) }

// SetLinger is that of [net.TCPConn].
func (o *outer) SetLinger(seconds int) error {
	if l, ok := o.Conn.(interface{ SetLinger(seconds int) error }); ok {
		return l.SetLinger(seconds)
	}
	return errors.ErrUnsupported
}

// A secured is a connection at whose TLS we are one end. It does in TLS what is done without: it ends one side alone, is
// reset so that nobody takes what has come for the whole, and ends without waiting for a write that does not get through.
type secured struct {
	*tls.Conn
	outer *outer

	writing  sync.Mutex  // held by Write, and while our side is ended
	ending   atomic.Bool // our side is to end
	ended    bool        // it has; guarded by writing
	cutShort atomic.Bool // it ends without saying so (RFC 8446 section 6.1)
	reset    atomic.Bool // Close is to reset
}

// ReadBuffered implements [pump.ReadAhead]. An error comes again with the next Read.
func (s *secured) ReadBuffered(b []byte) int {
	s.outer.ahead = true
	n, _ := s.Conn.Read(b)
	s.outer.ahead = false
	return n
}

// Write writes b. It may be called by one goroutine at a time.
func (s *secured) Write(b []byte) (int, error) {
	s.writing.Lock()
	n, err := s.Conn.Write(b)
	s.writing.Unlock()
	s.endIfDue()
	return n, err
}

// CloseWrite ends our side, with a close_notify and a FIN: behind a write that is under way, and without waiting for it.
func (s *secured) CloseWrite() error {
	s.ending.Store(true)
	s.endIfDue()
	return nil
}

func (s *secured) endIfDue() {
	if !s.ending.Load() || !s.writing.TryLock() {
		return // who writes will see to it
	}
	defer s.writing.Unlock()
	if s.ended {
		return
	}
	s.ended = true
	if !s.cutShort.Load() {
		_ = s.Conn.CloseWrite() // an error leaves a connection that ends all the same
	}
	_ = s.outer.CloseWrite()
}

// truncated reports whether the peer has ended its side without saying so: what it has sent may not be the whole.
func (s *secured) truncated() bool { return s.outer.ended.Load() }

// SetLinger makes Close reset the connection if it is 0 seconds.
func (s *secured) SetLinger(seconds int) error {
	s.reset.Store(seconds == 0)
	return s.outer.SetLinger(seconds)
}

// Close closes the connection. A reset says no close_notify, which would make a part the whole.
func (s *secured) Close() error {
	if s.reset.Load() || s.cutShort.Load() {
		return s.outer.Close()
	}
	return s.Conn.Close()
}

// passTruncation has an end that was not said passed on as such, where both sides can tell.
func passTruncation(from, to Conn) {
	source, ok := from.(*secured)
	if !ok || !source.truncated() {
		return
	}
	if s, ok := to.(*secured); ok {
		s.cutShort.Store(true)
	}
}
