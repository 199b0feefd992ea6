package tlsterm

import (
	"errors"
	"os"
	"syscall"
	"time"

	"lameduck/proxy/pump"
)

// held accounts for what TLS holds for a slow client below the flows, where they cannot see it: the
// messages of an incomplete handshake, and a record that the client does not read. The zero value
// accounts for nothing.
type held struct {
	reading  pump.Claim
	received int            // bytes of the handshake
	complete bool           // the handshake has ended
	deadline *pump.Deadline // of the handshake; without it that is not accounted for

	writing  pump.Claim
	conn     pump.Conn
	raw      syscall.RawConn       // of conn; without it writes are not accounted for
	writable func(fd uintptr) bool // writeNow, bound once
	out      []byte                // what writeNow has still to write
	err      error                 // or why it could not
	stalled  bool                  // it has waited
}

func (h *held) init(c pump.Conn, budget *pump.Budget) {
	h.conn, h.raw, h.writable = c, pump.RawOf(c), h.writeNow
	h.reading.Charge(budget)
	h.writing.Charge(budget)
}

// growth is the ratio of the memory that TLS may use for a handshake to the bytes that have
// arrived: buffers double, and messages are assembled from records.
const growth = 3

// beforeRead charges for the received part of the handshake while TLS waits for more.
func (h *held) beforeRead() {
	if h.received > 0 && h.deadline != nil {
		h.reading.Hold(growth*h.received, (*handshakeWait)(h))
	}
}

func (h *held) afterRead(n int) {
	if !h.complete {
		h.received += n
	}
}

// handshakeEnded gives back what was charged for the handshake.
func (h *held) handshakeEnded() {
	h.complete, h.received = true, 0
	h.reading.Drop()
}

// A handshakeWait is a wait for the next message of a handshake.
type handshakeWait held

func (w *handshakeWait) Stop()   { w.deadline.Expire() }
func (w *handshakeWait) Resume() { w.deadline.Revive() }

// writeSize is what is held while a client does not read a record: the record, and the clear text
// in the buffer of its flow.
const writeSize = 2 * pump.BufferSize

// write is the Write of conn.
func (h *held) write(conn pump.Conn, b []byte) (n int, err error) {
	if h.raw == nil {
		return conn.Write(b)
	}
	h.out, h.err = b, nil
	err = h.raw.Write(h.writable)
	n = len(b) - len(h.out)
	h.out = nil
	if err == nil {
		err = h.err
	}
	if h.stalled {
		if errors.Is(err, os.ErrDeadlineExceeded) && h.writing.IsStopped() {
			err = pump.ErrOverBudget
		}
		h.stalled = false
		h.writing.Drop()
	}
	return n, err
}

// writeNow writes as much as the socket accepts, and returns false to be called again for the rest.
func (h *held) writeNow(fd uintptr) bool {
	for len(h.out) > 0 {
		n, err := pump.RawWrite(int(fd), h.out)
		h.out = h.out[n:]
		if err == syscall.EAGAIN {
			h.stalled = true
			h.writing.Hold(writeSize, (*recordWait)(h))
			return false
		}
		if err != nil {
			h.err = err
			return true
		}
	}
	return true
}

// A recordWait is a wait for a client that does not read a record.
type recordWait held

func (w *recordWait) Stop()   { _ = w.conn.SetWriteDeadline(time.Unix(1, 0)) }
func (w *recordWait) Resume() {} // the connection ends
