package pump

import (
	"io"
	"strings"
	"sync/atomic"
	"testing"
)

// A readAheadConn delivers records, like TLS: a Read returns bytes of one record, and the rest of
// it is available without waiting.
type readAheadConn struct {
	Conn
	t       *testing.T
	flow    *Flow
	records []string
	rest    string // of the current record
}

func (c *readAheadConn) Read(b []byte) (int, error) {
	if c.rest == "" {
		if c.flow.buf != nil && !c.flow.full {
			c.t.Error("a buffer is held while waiting for a record")
		}
		if len(c.records) == 0 {
			return 0, io.EOF
		}
		c.rest, c.records = c.records[0], c.records[1:]
	}
	return c.ReadBuffered(b), nil
}

func (c *readAheadConn) ReadBuffered(b []byte) int {
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n
}

func TestFlow_WaitingForTLSHoldsNoBuffer(t *testing.T) {
	records := []string{"x", "hello", strings.Repeat("y", BufferSize), strings.Repeat("z", 100)}
	f := new(Flow)
	src := &readAheadConn{t: t, flow: f, records: records}
	f.Init(End{conn: src}, End{}, NewPipes(0), new(atomic.Uint64))
	for _, want := range records {
		if err := f.Fill(); err != nil || string(f.Pending()) != want {
			t.Fatalf("a fill read %d bytes, %v; want the %d of a record", len(f.Pending()), err, len(want))
		}
		f.Discard()
	}
	if err := f.Fill(); err != io.EOF {
		t.Errorf("error %v at the end, want EOF", err)
	}
}
