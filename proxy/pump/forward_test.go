package pump

import (
	"bytes"
	"net"
	"strings"
	"sync/atomic"
	"testing"
)

// A bothEnds is a source with data to read, and a destination that records writes.
type bothEnds struct {
	net.Conn
	source strings.Reader
	sink   bytes.Buffer
}

func (p *bothEnds) Read(b []byte) (int, error)  { return p.source.Read(b) }
func (p *bothEnds) Write(b []byte) (int, error) { return p.sink.Write(b) }
func (*bothEnds) CloseWrite() error             { return nil }

func TestForwardWritesAheadWhatStaysPending(t *testing.T) {
	const first, rest = "GET / HT", "TP/1.1\r\n\r\n"
	var p bothEnds
	var f Flow
	var written atomic.Uint64
	f.Init(NewEnd(&p), NewEnd(&p), NewPipes(1), &written)
	expect := func(step string, err error, sink, pending string) {
		t.Helper()
		if err != nil || p.sink.String() != sink || string(f.Pending()) != pending {
			t.Fatalf("%s: %q written, %q pending, error %v; want %q and %q", step, p.sink.String(), f.Pending(), err, sink, pending)
		}
	}
	read := func(s string) error {
		p.source.Reset(s)
		return f.Fill()
	}
	expect("at first", f.Forward(), "", "")
	expect("read", read(first), "", first)
	expect("forward", f.Forward(), first, first)
	expect("forward again", f.Forward(), first, first)
	f.Pass(3)
	expect("pass a part", f.Flush(), first, first[3:])
	expect("read on", read(rest), first, first[3:]+rest)
	f.Pass(len(first) - 3)
	expect("pass just that", f.Flush(), first, rest)
	f.Pass(4)
	expect("pass more", f.Flush(), first+rest[:4], rest[4:])
	expect("forward behind it", f.Forward(), first+rest, rest[4:])
	f.Pass(len(rest) - 4)
	expect("pass all", f.Flush(), first+rest, "")
	expect("read what follows", read("more"), first+rest, "more")
	f.Pass(4)
	expect("pass it", f.Flush(), first+rest+"more", "")
	if n := written.Load(); n != uint64(len(first+rest)+4) {
		t.Errorf("%d bytes count as written, want each once", n)
	}
}
