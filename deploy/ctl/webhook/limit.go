package webhook

import (
	"net"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// maxConnections bounds the memory of idle and slow clients, some 30 KB each. An API server has one
// connection for each request in flight, and keeps 25 idle ones.
const maxConnections = 512

// A limited listener closes new connections at once when there are too many. The API server then
// creates its pod without waiting for its timeout.
type limited struct {
	net.Listener
	open    atomic.Int64
	max     int64
	refused prometheus.Counter
}

func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.open.Add(1) <= l.max {
			return &limitedConn{Conn: c, release: sync.OnceFunc(func() { l.open.Add(-1) })}, nil
		}
		l.open.Add(-1)
		l.refused.Inc()
		_ = c.Close()
	}
}

// A limitedConn is counted until it is closed.
type limitedConn struct {
	net.Conn
	release func()
}

func (c *limitedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}
