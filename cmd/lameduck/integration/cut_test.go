package integration

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A client that gets a part of a response without a length must not take the end of the hold for the end
// of the response.
func TestAPartOfAResponseThatIsCutAtMaxDoesNotLookComplete(t *testing.T) {
	for name, secure := range map[string]bool{"in clear text": false, "in TLS": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const part = "HTTP/1.0 200 OK\r\nContent-Type: text/csv\r\n\r\na,b\n"
			env := []string{"LAMEDUCK_HOLD_MAX=500ms"}
			if secure {
				cert, key := newAuthority(t).issue(t, 1)
				env = append(env, newSecret(t, cert, key).env()...)
			}
			d := startServe(t, sendPart(t, part), env...)
			c, err := net.Dial("tcp", d.front)
			if err != nil {
				t.Fatal(err)
			}
			if secure {
				c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
			}
			defer c.Close()
			if _, err := io.WriteString(c, "GET /export HTTP/1.0\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(part))
			_ = c.SetReadDeadline(time.Now().Add(patience))
			if _, err := io.ReadFull(c, got); err != nil || string(got) != part {
				t.Fatalf("the client reads %q, error %v; want %q", got, err, part)
			}
			d.signal(t, syscall.SIGTERM)
			if b, err := io.ReadAll(c); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the client reads %q, error %v; want a reset", b, err)
			}
			d.wantExit(t, exitOK)
			if f := d.logged(t, "stopped"); f["reason"] != "max" || f["cut_exchanges"] != 1.0 {
				t.Errorf("story %v, want one exchange that was cut at Max", f)
			}
		})
	}
}

// sendPart runs an app that answers each connection's first bytes with a part of a response, and leaves
// the connection open. It returns the app's address.
func sendPart(t *testing.T, part string) string {
	t.Helper()
	ln := listen(t)
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				b := make([]byte, 1<<10)
				if n, _ := c.Read(b); strings.HasPrefix(string(b[:n]), "GET /export") {
					_, _ = io.WriteString(c, part)
				}
				_, _ = io.Copy(io.Discard, c)
			}()
		}
	}()
	return ln.Addr().String()
}
