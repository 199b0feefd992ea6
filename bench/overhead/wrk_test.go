package main

import (
	"bufio"
	"context"
	"net"
	"strings"
	"testing"
	"time"
)

// summaryOfWrk is the output of wrk 4.1.0, with room for its error lines.
const summaryOfWrk = `Running 60m test @ http://127.0.0.1:8080/small
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.23ms  456.00us   9.99ms   88.00%
    Req/Sec    24.10k     1.20k   26.00k    70.00%
  72345 requests in 3.00s, 14.21MB read
ERRORS
Requests/sec:  24115.50
Transfer/sec:      4.74MB
`

func TestParseWrk(t *testing.T) {
	for _, c := range []struct {
		name, errors string
		failed       int64
	}{
		{"no errors", "", 0},
		{"socket errors", "  Socket errors: connect 1, read 20, write 300, timeout 4000", 4321},
		{"other statuses", "  Non-2xx or 3xx responses: 17", 17},
		{"both", "  Socket errors: connect 0, read 2, write 0, timeout 0\n  Non-2xx or 3xx responses: 3", 5},
	} {
		got, err := parseWrk(strings.Replace(summaryOfWrk, "ERRORS", c.errors, 1))
		want := tally{Requests: 72345, Rate: 24115.5, Bytes: 14.21 * 1024 * 1024, Time: 3 * time.Second, Failed: c.failed}
		if err != nil || got != want {
			t.Errorf("%s: parseWrk = %+v, %v, want %+v", c.name, got, err, want)
		}
	}
}

func TestParseWrkRefusesTextWithoutSummary(t *testing.T) {
	for _, text := range []string{"", "unable to connect to 127.0.0.1:1 Connection refused", "12 requests in 1s\n"} {
		if got, err := parseWrk(text); err == nil {
			t.Errorf("parseWrk(%q) = %+v without an error", text, got)
		}
	}
}

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]float64{"512.00": 512, "1.50K": 1536, "2.00G": 2 << 30, "1.00P": 1 << 50} {
		digits := strings.TrimRight(text, "KMGTP")
		if got, err := parseBytes(digits, text[len(digits):]); err != nil || got != want {
			t.Errorf("%sB are %v bytes, %v, want %v", text, got, err, want)
		}
	}
}

func TestHugeAnswersAreReckonedFromTheirBytes(t *testing.T) {
	l := load{Path: "/huge", Body: 64 << 20}
	for _, c := range []struct {
		tally tally
		want  outcome
	}{
		{tally{Requests: 3, Rate: 3, Bytes: 5 * 64 << 20, Time: 1010 * time.Millisecond}, outcome{Answers: 5, Seconds: 1}},
		{tally{Bytes: 32 << 20, Time: 500 * time.Millisecond}, outcome{Answers: 0.5, Seconds: 0.5}}, // none was whole
	} {
		if got := l.outcome(c.tally); got != c.want {
			t.Errorf("the outcome of %+v is %+v, want %+v", c.tally, got, c.want)
		}
	}
	if got := (load{}).outcome(tally{Requests: 10, Rate: 5, Bytes: 1e6}); got != (outcome{Answers: 10, Seconds: 2}) {
		t.Errorf("small answers are %+v, want 10 in 2 s", got)
	}
}

func TestParseCaught(t *testing.T) {
	for _, c := range []struct {
		status string
		mask   uint64
		ok     bool
	}{
		{"State:\tS (sleeping)\nSigIgn:\t0000000000001000\nSigCgt:\t0000000000000002\nCapInh:\t0\n", 2, true},
		{"State:\tS (sleeping)\nSigCgt:\t0000000000000000\n", 0, true},
		{"State:\tZ (zombie)\nSigCgt:\t0000000000000000\n", 0, false},
		{"", 0, false},
	} {
		if mask, ok := parseCaught(c.status); mask != c.mask || ok != c.ok {
			t.Errorf("parseCaught(%q) = %x, %v, want %x, %v", c.status, mask, ok, c.mask, c.ok)
		}
	}
}

func TestWrkSendsHeadsOfTheSizeAskedFor(t *testing.T) {
	head := captureHead(t, load{Path: "/small", Connections: 1, HeadBytes: 1024})
	if len(head) != 1024 {
		t.Errorf("the head has %d bytes, want 1024:\n%s", len(head), head)
	}
}

func TestWrkAsksForTheCloseOfConnections(t *testing.T) {
	head := captureHead(t, load{Path: "/small", Connections: 1, Close: true})
	if !strings.Contains(head, "\r\nConnection: close\r\n") {
		t.Errorf("the head has no close option:\n%s", head)
	}
}

// captureHead makes wrk send one request to a server that never answers, and
// returns its head.
func captureHead(t *testing.T, l load) string {
	t.Helper()
	needTools(t, wrkTool())
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	donec := make(chan struct{}) // closed when wrk has ended
	go func() {
		defer close(donec)
		_, _ = l.send(ctx, paths{Listen: server.Addr().String()}, time.Hour, allCores(t)) // an error: it is killed below
	}()
	head := acceptHead(t, server)
	cancel()
	<-donec
	return head
}

// acceptHead reads one request head. wrk connects once beforehand to see
// whether the port is open, without sending.
func acceptHead(t *testing.T, server net.Listener) string {
	t.Helper()
	for {
		conn, err := server.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		var head strings.Builder
		for in := bufio.NewReader(conn); ; {
			line, err := in.ReadString('\n')
			if err != nil {
				break
			}
			head.WriteString(line)
			if line == "\r\n" {
				return head.String()
			}
		}
	}
}
