package webhook

import (
	"net"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// maxConnections bounds what idle and slow clients take, some 30 KB each. An API server has a connection for each request that it waits for
// and keeps 25 idle ones.
const maxConnections = 512

// A limited listener closes at once what comes when there are too many: the API server then creates its pod at once, which it would not if it had to
// wait for a connection.
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
			return &limitedConn{Conn: c, leave: sync.OnceFunc(func() { l.open.Add(-1) })}, nil
		}
		l.open.Add(-1)
		l.refused.Inc()
		_ = c.Close()
	}
}

// A limitedConn is counted until it is closed.
type limitedConn struct {
	net.Conn
	leave func()
}

func (c *limitedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
