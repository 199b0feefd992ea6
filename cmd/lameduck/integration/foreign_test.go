package integration

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// rawStatus sends a request as it is and returns the status of the response.
func rawStatus(t *testing.T, address, request string) int {
	t.Helper()
	c := dialClient(t, address)
	defer c.conn.Close()
	if _, err := io.WriteString(c.conn, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c.conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func TestABrowserOrAProxyOnTheHostCannotBeginADrain(t *testing.T) {
	t.Parallel()
	d := startServe(t, startApp(t).addr)
	for name, head := range map[string]string{
		"a page":                      "POST /drain HTTP/1.1\r\nHost: 127.0.0.1:18082\r\nOrigin: http://evil.example\r\n",
		"a browser":                   "POST /drain HTTP/1.1\r\nHost: localhost:18082\r\nSec-Fetch-Site: cross-site\r\n",
		"a name that is rebound":      "POST /drain HTTP/1.1\r\nHost: evil.example:18082\r\n",
		"a proxy":                     "POST /drain HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: 192.0.2.1\r\n",
		"an absolute form":            "POST http://evil.example/drain HTTP/1.1\r\nHost: 127.0.0.1\r\n",
		"HTTP/1.0 without a host":     "POST /drain HTTP/1.0\r\n",
		"a page that reads the state": "GET /status HTTP/1.1\r\nHost: evil.example\r\n",
	} {
		if status := rawStatus(t, d.control, head+"Content-Length: 0\r\n\r\n"); status != http.StatusForbidden {
			t.Errorf("%s: status %d, want 403", name, status)
		}
	}
	if s := d.status(t); s.Phase != "serving" {
		t.Fatalf("phase %s, want serving", s.Phase)
	}
	if status := rawStatus(t, d.control, "POST /drain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"); status != http.StatusOK {
		t.Errorf("a program on the host: status %d, want 200", status)
	}
	if out := d.drain(t); !strings.Contains(out, `"phase":"dra`) {
		t.Errorf("lameduck drain says %q, want that it drains", out)
	}
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
}
