package websocket

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// The example of RFC 6455 section 1.3.
func TestAcceptKeyIsThatOfTheRFC(t *testing.T) {
	if got := acceptKey("dGhlIHNhbXBsZSBub25jZQ=="); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Errorf("key %s", got)
	}
}

func TestOpenAndAcceptAgree(t *testing.T) {
	client, app := net.Pipe()
	defer client.Close()
	targets := make(chan string, 1)
	go func() {
		defer app.Close()
		req, err := http.ReadRequest(bufio.NewReader(app))
		if err != nil {
			t.Error(err)
			return
		}
		targets <- req.Host + req.RequestURI
		if err := Accept(app, req); err != nil {
			t.Error(err)
		}
		io.WriteString(app, "behind")
	}()
	r := bufio.NewReader(client)
	if err := Open(client, r, "app", "/echo"); err != nil {
		t.Fatal(err)
	}
	if got := <-targets; got != "app/echo" {
		t.Errorf("asked for was %s", got)
	}
	if rest, err := io.ReadAll(r); err != nil || string(rest) != "behind" {
		t.Errorf("after the response: %q, %v", rest, err)
	}
}

func TestOpenRefusesOtherAnswers(t *testing.T) {
	for answer, want := range map[string]string{
		"HTTP/1.1 502 Bad Gateway\r\n\r\n":                                     "502 Bad Gateway",
		"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: no\r\n\r\n": "wrong Sec-WebSocket-Accept",
		"": "EOF",
	} {
		err := Open(io.Discard, bufio.NewReader(strings.NewReader(answer)), "app", "/")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: the error is %v, want %q in it", answer, err, want)
		}
	}
}

func TestAcceptRefusesOtherRequests(t *testing.T) {
	req, err := http.NewRequest(http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Accept(&out, req); err == nil || out.Len() > 0 {
		t.Errorf("a request without an upgrade was answered %q, %v", &out, err)
	}
}

// The lengths on either side of those at which the header grows.
func TestHeadersTellTheirLength(t *testing.T) {
	for length, size := range map[int64]int{0: 2, 125: 2, 126: 4, 16 << 10: 4, 1<<16 - 1: 4, 1 << 16: 10, 1 << 40: 10} {
		for _, client := range []bool{false, true} {
			if client {
				size += 4
			}
			b := AppendHeader(nil, length, client)
			got, err := ReadHeader(bytes.NewReader(b))
			if err != nil || got != length || len(b) != size {
				t.Errorf("length %d, client %v: %d bytes are read as %d, %v; want %d bytes", length, client, len(b), got, err, size)
			}
			for cut := range len(b) {
				if got, err := ReadHeader(bytes.NewReader(b[:cut])); err == nil {
					t.Errorf("%x is read as %d", b[:cut], got)
				}
			}
		}
	}
}

func TestReadHeaderRefusesWhatIsNotOurs(t *testing.T) {
	for name, b := range map[string][]byte{
		"a part of a message": {binaries, 1, 'x'},
		"a close frame":       {final | 8, 0},
		"a mask":              {final | binaries, masked | 1, 1, 2, 3, 4, 'x'},
	} {
		if got, err := ReadHeader(bytes.NewReader(b)); err == nil {
			t.Errorf("%s is read as %d", name, got)
		}
	}
}
