package websocket

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// key is the nonce of every handshake, the one of the RFC's example: nobody keeps caches of ours apart.
const key = "dGhlIHNhbXBsZSBub25jZQ=="

// Open asks for a tunnel at target and reads the answer. What comes behind that stays in r, which reads from the
// connection that w writes to.
func Open(w io.Writer, r *bufio.Reader, host, target string) error {
	_, err := fmt.Fprintf(w, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n", target, host, key)
	if err != nil {
		return err
	}
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("open a WebSocket: %s", resp.Status)
	}
	if got := resp.Header.Get("Sec-WebSocket-Accept"); got != acceptKey(key) {
		return fmt.Errorf("open a WebSocket: the answer is to another request: Sec-WebSocket-Accept %q", got)
	}
	return nil
}

// Accept answers a request that Open, or any client, has sent.
func Accept(w io.Writer, req *http.Request) error {
	if !strings.EqualFold(req.Header.Get("Upgrade"), "websocket") {
		return fmt.Errorf("%s %s: no WebSocket is asked for", req.Method, req.URL)
	}
	_, err := fmt.Fprintf(w, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\n\r\n", acceptKey(req.Header.Get("Sec-WebSocket-Key")))
	return err
}

// acceptKey proves that a key was read (RFC 6455 section 4.2.2).
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}
