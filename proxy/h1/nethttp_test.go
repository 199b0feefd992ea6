package h1_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"lameduck/proxy/h1"
)

// If h1 and net/http both accept a message, they must agree on where it ends: if a proxy and an app
// disagree, requests can be smuggled. Each may refuse more. net/http refuses more heads than h1
// (targets that are not URLs, controls in values, every coding except chunked alone) and less
// framing:
//
//	RFC 9112 section 6.1: "A server or client that receives an HTTP/1.0 message containing a Transfer-Encoding header
//	field MUST treat the message as if the framing is faulty"; net/http ignores the field.
//	RFC 9112 section 6.3 rule 3: both Transfer-Encoding and Content-Length "ought to be handled as an error"; net/http
//	lets Transfer-Encoding win.
//
// They only differ about responses that turn a connection into a tunnel, see ourResponse.

// A verdict is the result of a reader for some bytes.
type verdict int

const (
	refuses verdict = iota
	wantsMore
	takes
)

func (v verdict) String() string { return [...]string{"refuses", "wants more", "takes"}[v] }

// A reading is one reader's view of the message at the start of some bytes.
type reading struct {
	verdict    verdict
	end        int // length of the message
	untilClose bool
	content    string
}

func (r reading) String() string {
	return fmt.Sprintf("%s to %d, until close %t, content %q", r.verdict, r.end, r.untilClose, r.content)
}

func FuzzRequestAgainstNetHTTP(f *testing.F) {
	for _, in := range requestSeeds() {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		expectAgreement(t, in, ourRequest(in), theirRequest(in))
	})
}

func requestSeeds() (seeds []string) {
	for _, c := range requestLines {
		seeds = append(seeds, c.head+afterHead)
	}
	for _, c := range requestLengths {
		seeds = append(seeds, c.head+afterHead)
	}
	for _, fields := range framingFields() {
		seeds = append(seeds, "POST / HTTP/1.1\r\n"+fields+afterHead)
	}
	for _, c := range chunkCases {
		seeds = append(seeds, post("Transfer-Encoding: chunked")+c.in)
	}
	return seeds
}

// framingFields returns field lines with the empty line, from every table.
func framingFields() (all []string) {
	for _, c := range sections {
		all = append(all, c.section)
	}
	for _, c := range contentLengths {
		all = append(all, head("A: b", c.fields...))
	}
	for _, c := range transferEncodings {
		all = append(all, head("A: b", c.fields...))
	}
	for _, c := range disguisedEncodings {
		all = append(all, head("A: b", c.fields...))
	}
	return all
}

func FuzzResponseAgainstNetHTTP(f *testing.F) {
	for _, c := range responseLengths {
		f.Add([]byte(c.head+afterHead), uint8(c.method))
	}
	for _, in := range responseSeeds() {
		f.Add([]byte(in), uint8(h1.Other))
	}
	f.Fuzz(func(t *testing.T, in []byte, to uint8) {
		method := h1.Method(to % 3)
		ours := ourResponse(in, method)
		expectAgreement(t, in, ours, theirResponse(in, method))
	})
}

func responseSeeds() (seeds []string) {
	for _, c := range statusLines {
		seeds = append(seeds, c.head+afterHead)
	}
	for _, fields := range framingFields() {
		seeds = append(seeds, "HTTP/1.1 200 OK\r\n"+fields+afterHead)
	}
	for _, c := range chunkCases {
		seeds = append(seeds, answer("Transfer-Encoding: chunked")+c.in)
	}
	return seeds
}

func TestRequestSeedsAreOfUse(t *testing.T) {
	expectUse(t, requestSeeds(), ourRequest, theirRequest)
}

func TestResponseSeedsAreOfUse(t *testing.T) {
	ours := func(in []byte) reading { return ourResponse(in, h1.Other) }
	theirs := func(in []byte) reading { return theirResponse(in, h1.Other) }
	expectUse(t, responseSeeds(), ours, theirs)
}

// expectUse checks that both readers accept many seeds: if one of them refused all, they could not
// disagree.
func expectUse(t *testing.T, seeds []string, ours, theirs func([]byte) reading) {
	t.Helper()
	both := 0
	for _, in := range seeds {
		if ours([]byte(in)).verdict == takes && theirs([]byte(in)).verdict == takes {
			both++
		}
	}
	if both < 30 {
		t.Errorf("both readers accept only %[2]d of %[1]d seeds", len(seeds), both)
	}
}

func expectAgreement(t *testing.T, in []byte, ours, theirs reading) {
	t.Helper()
	if ours.verdict == refuses || theirs.verdict == refuses {
		return
	}
	if ours != theirs {
		t.Errorf("%q\n    ours %v\nnet/http %v", in, ours, theirs)
	}
}

func ourRequest(in []byte) reading {
	r, err := h1.ParseRequest(in)
	return ourReading(in, r.Size, r.Body, err)
}

func ourResponse(in []byte, method h1.Method) reading {
	r, err := h1.ParseResponse(in, method)
	if r.Body.Kind() != h1.Tunnel {
		return ourReading(in, r.Size, r.Body, err)
	}
	if r.Status == http.StatusSwitchingProtocols {
		// RFC 9110 section 15.2.2: the server speaks the new protocol "immediately after the empty
		// line". net/http ends the message there, and its caller takes over the connection; for h1
		// the rest belongs to the tunnel.
		return reading{verdict: takes, end: r.Size}
	}
	// RFC 9112 section 6.3 rule 2: "A client MUST ignore any Content-Length or Transfer-Encoding
	// header fields" in a 2xx to CONNECT. net/http reads a body anyway, and leaves this rule to its
	// callers.
	return reading{verdict: refuses}
}

func ourReading(in []byte, size int, body h1.Body, err error) reading {
	switch {
	case err != nil:
		return reading{}
	case size == 0:
		return reading{verdict: wantsMore}
	}
	e := read(body, in[size:])
	switch {
	case e.err != nil:
		return reading{}
	case body.Kind() == h1.UntilClose:
		return reading{takes, len(in), true, e.content}
	case !e.done:
		return reading{verdict: wantsMore, content: e.content}
	}
	return reading{verdict: takes, end: size + e.taken, content: e.content}
}

func theirRequest(in []byte) reading {
	rest := bytes.NewReader(in)
	buffered := bufio.NewReader(rest)
	r, err := http.ReadRequest(buffered)
	if err != nil {
		return reading{verdict: theirVerdict(err)}
	}
	content, err := io.ReadAll(r.Body)
	// Bytes that net/http has read ahead but not used are still in its buffer.
	end := len(in) - rest.Len() - buffered.Buffered()
	return theirReading(end, false, content, err)
}

func theirResponse(in []byte, method h1.Method) reading {
	rest := bytes.NewReader(in)
	buffered := bufio.NewReader(rest)
	r, err := http.ReadResponse(buffered, &http.Request{Method: [...]string{"GET", "HEAD", "CONNECT"}[method]})
	if err != nil {
		return reading{verdict: theirVerdict(err)}
	}
	untilClose := r.Body != http.NoBody && r.ContentLength < 0 && len(r.TransferEncoding) == 0
	content, err := io.ReadAll(r.Body)
	end := len(in) - rest.Len() - buffered.Buffered()
	return theirReading(end, untilClose, content, err)
}

func theirReading(end int, untilClose bool, content []byte, err error) reading {
	switch theirVerdict(err) {
	case takes:
		return reading{takes, end, untilClose, string(content)}
	case wantsMore:
		return reading{verdict: wantsMore, content: string(content)}
	}
	return reading{}
}

func theirVerdict(err error) verdict {
	switch {
	case err == nil:
		return takes
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), strings.Contains(err.Error(), "unexpected EOF"):
		return wantsMore
	}
	return refuses
}
