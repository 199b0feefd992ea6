package h1_test

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"lameduck/proxy/h1"
)

// bodies has one body of each kind that h1.Body can follow.
func bodies(t testing.TB) []h1.Body {
	var zero h1.Body
	return []h1.Body{
		zero,
		mustRequest(t, post("Content-Length: 11")).Body,
		chunkedBody(t),
		mustResponse(t, answer()).Body,
		h1.TunnelBody(),
	}
}

func chunkedBody(t testing.TB) h1.Body {
	t.Helper()
	return mustRequest(t, post("Transfer-Encoding: chunked")).Body
}

func TestZeroBody(t *testing.T) {
	var b h1.Body
	if n, err := b.Scan([]byte("next")); n != 0 || err != nil || !b.Done() || b.Opaque() != 0 || b.Kind() != h1.None {
		t.Errorf("zero body: took %d bytes, %v, done %t, opaque %d", n, err, b.Done(), b.Opaque())
	}
}

func TestFixedBody(t *testing.T) {
	b := mustRequest(t, post("Content-Length: 5")).Body
	for _, step := range []struct {
		in           string
		taken, still int64
	}{{"", 0, 5}, {"ab", 2, 3}, {"cdeX", 3, 0}, {"X", 0, 0}} {
		if n, err := b.Scan([]byte(step.in)); int64(n) != step.taken || err != nil || b.Opaque() != step.still {
			t.Errorf("%q: took %d bytes, %v, %d still expected; want %d and %d", step.in, n, err, b.Opaque(), step.taken, step.still)
		}
		if done := step.still == 0; b.Done() != done {
			t.Errorf("%q: done %t", step.in, b.Done())
		}
	}
}

// RFC 9112 section 6.3 rules 2 and 8: these bodies end with the connection.
func TestBodyUntilCloseIsNeverDone(t *testing.T) {
	for in, b := range map[string]h1.Body{
		"until close": mustResponse(t, answer()).Body,
		"a 101":       mustResponse(t, head("HTTP/1.1 101 ")).Body,
		"a tunnel":    h1.TunnelBody(),
	} {
		for range 3 {
			n, err := b.Scan([]byte(answer()))
			b.Skip(math.MaxInt64)
			if n != len(answer()) || err != nil || b.Done() || b.Opaque() != math.MaxInt64 {
				t.Fatalf("%s: took %d bytes, %v, done %t, opaque %d", in, n, err, b.Done(), b.Opaque())
			}
		}
	}
}

// Opaque bytes may be spliced unseen. If a byte of framing were spliced, a message boundary would
// be lost.
func TestOnlyContentIsOpaque(t *testing.T) {
	const in = "a;x=12\r\n0123456789\r\n2\r\nab\r\n0\r\nA: 1\r\n\r\n"
	const want = "        ##########     ##             "
	b, got := chunkedBody(t), []byte{}
	for i := range len(in) {
		got = append(got, " #"[min(b.Opaque(), 1)])
		if n, err := b.Scan([]byte{in[i]}); n != 1 || err != nil {
			t.Fatalf("byte %d of %q: %d, %v", i, in, n, err)
		}
	}
	if string(got) != want {
		t.Errorf("of     %q\nopaque %q\nwant   %q", in, got, want)
	}
}

// An extent is the part of some bytes that belongs to a body.
type extent struct {
	taken   int
	err     error
	done    bool
	opaque  int64
	content string // the content as reported by Opaque; unknown if the body was scanned
}

func (e extent) String() string {
	return fmt.Sprintf("%d bytes, %v, done %t, opaque %d", e.taken, e.err, e.done, e.opaque)
}

func extentOf(b h1.Body, taken int, err error, content []byte) extent {
	return extent{taken, err, b.Done(), b.Opaque(), string(content)}
}

// scan reads in only with Scan, in pieces of the given sizes, repeated.
func scan(b h1.Body, in, pieces []byte) extent {
	taken := 0
	for i := 0; taken < len(in); i++ {
		size := len(in) - taken
		if len(pieces) > 0 {
			size = min(size, int(pieces[i%len(pieces)])+1)
		}
		n, err := b.Scan(in[taken : taken+size])
		if taken += n; err != nil || n < size {
			return extentOf(b, taken, err, nil)
		}
	}
	return extentOf(b, taken, nil, nil)
}

// read reads in with Opaque and Skip if possible, and otherwise byte by byte. So it removes the
// chunked coding.
func read(b h1.Body, in []byte) extent {
	var content []byte
	taken := 0
	for taken < len(in) {
		if n := int(min(b.Opaque(), int64(len(in)-taken))); n > 0 {
			b.Skip(int64(n))
			content = append(content, in[taken:taken+n]...)
			taken += n
			continue
		}
		n, err := b.Scan(in[taken : taken+1])
		if taken += n; err != nil || n == 0 {
			return extentOf(b, taken, err, content)
		}
	}
	return extentOf(b, taken, nil, content)
}

func FuzzBodySplit(f *testing.F) {
	for _, c := range chunkCases {
		f.Add([]byte(c.in), []byte{0})
		f.Add([]byte(c.in), []byte{1, 0, 6})
	}
	f.Fuzz(func(t *testing.T, in, pieces []byte) {
		for _, b := range bodies(t) {
			expectSplitBody(t, b, in, pieces)
		}
	})
}

// expectSplitBody checks that in gives the same result in one piece, in pieces, and with its
// content skipped.
func expectSplitBody(t *testing.T, b h1.Body, in, pieces []byte) {
	t.Helper()
	whole := scan(b, in, nil)
	if got := scan(b, in, pieces); got != whole {
		t.Fatalf("%s body %q\nin pieces %v: %v\n    at once: %v", framing(b, nil), in, pieces, got, whole)
	}
	got := read(b, in)
	if got.content = ""; got != whole {
		t.Fatalf("%s body %q\nwith skips: %v\n   at once: %v", framing(b, nil), in, got, whole)
	}
}

func TestBodyInAnySplit(t *testing.T) {
	for _, c := range chunkCases {
		for _, b := range bodies(t) {
			for size := range byte(8) {
				expectSplitBody(t, b, []byte(c.in), []byte{size})
			}
		}
	}
	large := bytes.Repeat([]byte("8000\r\n"+string(make([]byte, 0x8000))+"\r\n"), 3)
	expectSplitBody(t, chunkedBody(t), append(large, "0\r\n\r\nnext"...), []byte{255, 3})
}
