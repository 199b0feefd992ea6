package proxy

import (
	"errors"
	"os"
	"syscall"
	"time"

	"lameduck/proxy/pump"
)

// A tlsHeld accounts for what TLS holds for a slow client, below the flows, which cannot see it:
// the messages of a handshake that is not complete, and a record that the client does not take. The
// zero tlsHeld accounts for nothing.
type tlsHeld struct {
	reading  pump.Claim
	received int            // bytes of the handshake
	complete bool           // the handshake is
	deadline *pump.Deadline // of the handshake; nil: nothing is accounted for

	writing  pump.Claim
	conn     Conn
	raw      syscall.RawConn       // of conn; nil: its writes are not accounted for
	writable func(fd uintptr) bool // writeNow, bound once
	out      []byte                // what writeNow has still to write
	err      error                 // or why it could not
	stalled  bool                  // it has waited
}

// newOuter returns the connection below the TLS of a client.
func newOuter(c Conn, budget *pump.Budget) *outer {
	o := &outer{Conn: c}
	o.held.conn, o.held.raw, o.held.writable = c, pump.RawOf(c), o.held.writeNow
	o.held.reading.Charge(budget)
	o.held.writing.Charge(budget)
	return o
}

// tlsGrowth is how much more memory TLS may take for a handshake than the bytes that have come:
// buffers double, and messages are put together from records.
const tlsGrowth = 3

// beforeRead holds what has come of the handshake while more is waited for.
func (t *tlsHeld) beforeRead() {
	if t.received > 0 && t.deadline != nil {
		t.reading.Hold(tlsGrowth*t.received, (*handshakeWait)(t))
	}
}

func (t *tlsHeld) afterRead(n int) {
	if !t.complete {
		t.received += n
	}
}

// handshakeEnded gives back what the handshake held.
func (t *tlsHeld) handshakeEnded() {
	t.complete, t.received = true, 0
	t.reading.Drop()
}

// A handshakeWait is a wait for the next message of a handshake.
type handshakeWait tlsHeld

func (w *handshakeWait) Stop()   { w.deadline.Expire() }
func (w *handshakeWait) Resume() { w.deadline.Revive() }

// tlsWriteSize is what is held while a client takes no record: the record, and the clear text in
// the buffer of its flow.
const tlsWriteSize = 2 * pump.BufferSize

// write is the Write of conn.
func (t *tlsHeld) write(conn Conn, b []byte) (n int, err error) {
	if t.raw == nil {
		return conn.Write(b)
	}
	t.out, t.err = b, nil
	err = t.raw.Write(t.writable)
	n = len(b) - len(t.out)
	t.out = nil
	if err == nil {
		err = t.err
	}
	if t.stalled {
		if errors.Is(err, os.ErrDeadlineExceeded) && t.writing.IsStopped() {
			err = pump.ErrOverBudget
		}
		t.stalled = false
		t.writing.Drop()
	}
	return n, err
}

// writeNow writes what the socket takes, and asks to be called again for the rest.
func (t *tlsHeld) writeNow(fd uintptr) bool {
	for len(t.out) > 0 {
		n, err := pump.RawWrite(int(fd), t.out)
		t.out = t.out[n:]
		if err == syscall.EAGAIN {
			t.stalled = true
			t.writing.Hold(tlsWriteSize, (*recordWait)(t))
			return false
		}
		if err != nil {
			t.err = err
			return true
		}
	}
	return true
}

// A recordWait is a wait for a client that takes no record.
type recordWait tlsHeld

func (w *recordWait) Stop()   { _ = w.conn.SetWriteDeadline(time.Unix(1, 0)) }
func (w *recordWait) Resume() {} // the connection ends
