package real

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"

	"lameduck/bench/hold/sim"
	"lameduck/bench/internal/keepalive"
)

// exchangeTimeout bounds an exchange.
const exchangeTimeout = 10 * time.Second

// A caller sends the requests of one source.
type caller struct {
	message string
	pool    *keepalive.Pool
}

// newCaller returns the caller for a source with the given address.
func newCaller(s sim.Source, from netip.Addr, to string) *caller {
	idle := 0
	if s.Keeps {
		idle = 1
	}
	forwarded := ""
	if s.Route == sim.Proxied {
		forwarded = "X-Forwarded-For: 192.0.2.1\r\n"
	}
	return &caller{
		message: fmt.Sprintf("POST / HTTP/1.1\r\nHost: app\r\n%sContent-Length: 0\r\n\r\n", forwarded),
		pool:    keepalive.NewPool(to, idle, from),
	}
}

// send makes an exchange, over the idle connection if there is one. If it may only use that and
// there is none, it sends nothing and returns false.
func (c *caller) send(ctx context.Context, onlyIdle bool) (sent bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout)
	defer cancel()
	conn := c.pool.Idle()
	if conn == nil && onlyIdle {
		return false, nil
	}
	if conn == nil {
		if conn, err = c.pool.Dial(ctx); err != nil {
			return true, err
		}
	}
	conn.SetDeadline(time.Now().Add(exchangeTimeout))
	if _, err := io.WriteString(conn, c.message); err != nil {
		conn.Close()
		return true, err
	}
	return true, c.receive(conn)
}

// receive reads the response and keeps the connection if it may.
func (c *caller) receive(conn *keepalive.Conn) error {
	resp, err := http.ReadResponse(conn.Reader, nil)
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
	}
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	if err != nil || resp.Close {
		conn.Close()
		return err
	}
	c.pool.Put(conn)
	return nil
}
