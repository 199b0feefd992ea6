package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"lameduck/bench/internal/table"
	"lameduck/bench/internal/wait"
	"lameduck/bench/overhead/handshake"
)

const (
	// idleStart is the time between a proxy's readiness and the reading of its memory at start.
	idleStart = 500 * time.Millisecond
	// idlePasses is how often each idle connection is used before the memory per connection is
	// read, and idleGap the pause before each pass. Garbage of accepting and of the first request
	// is gone by then.
	idlePasses = 3
	idleGap    = 250 * time.Millisecond
	// idleHold is the pause after the last pass. It is long enough for Go's scavenger, for Lameduck
	// to park idle connections, and for nginx and HAProxy to release memory of their pools.
	idleHold = 7 * time.Second
	// idleWorkers is how many connections are in use at a time.
	idleWorkers = 16
	// idleTraffic estimates how long it takes to open and use one connection, for the progress
	// display.
	idleTraffic = 500 * time.Microsecond
	// idleBatch is the largest number of connections that are idle at a time, over all peers.
	idleBatch = 20_000
)

// idleCase measures memory at start and with idle connections.
func idleCase(name string, spoken protocol, connections, roundStep int) benchCase {
	what := "keep-alive connections"
	switch spoken {
	case webSocket:
		what = "WebSockets"
	case https:
		what = "keep-alive connections with terminated TLS"
	}
	return benchCase{
		Name:        name,
		Title:       fmt.Sprintf("memory at start and with %s idle %s", table.Number(float64(connections), 0), what),
		Protocol:    spoken,
		Extra:       idleStart + idlePasses*idleGap + time.Duration(connections)*idleTraffic,
		Wait:        idleHold,
		RoundStep:   roundStep,
		Standalone:  true,
		Batch:       max(1, idleBatch/connections),
		Connections: connections,
		Metrics: []metric{
			{Name: "start", Title: "resident at start", Unit: "MB", Digits: 1},
			{Name: "start_pss", Title: "PSS at start", Unit: "MB", Digits: 1, Hidden: true},
			{Name: "resident", Title: "resident with idle connections", Unit: "MB", Digits: 1},
			{Name: "perconn", Title: "resident per idle connection", Unit: "KB", Digits: 1},
			{Name: "idle_pss", Title: "PSS with idle connections", Unit: "MB", Digits: 1, Hidden: true},
		},
		measure: func(ctx context.Context, b *bench, s step) ([]measurement, error) {
			return b.measureIdle(ctx, s)
		},
	}
}

// within returns the case with at most as many connections as a process can have with the given
// number of files, and a note if there are fewer.
func (c benchCase) within(files int) (benchCase, string) {
	wanted := c.Connections
	if wanted == 0 {
		return c, ""
	}
	c.Connections = fitting(wanted, files)
	c.Batch = max(1, min(c.Batch, (files-otherFiles-spareConnections)/c.Connections))
	if c.Connections == wanted {
		return c, ""
	}
	return c, fmt.Sprintf("%s: %s connections instead of %s: a process may open %s files here (ulimit -Hn), "+
		"and a proxy needs two for each connection", c.Name,
		table.Number(float64(c.Connections), 0), table.Number(float64(wanted), 0), table.Number(float64(files), 0))
}

// openFiles returns how many files a process may open here, which is the hard limit, since programs
// raise their own.
func openFiles() (int, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("read the limit of open files: %w", err)
	}
	return int(min(limit.Max, 1<<30)), nil
}

// measureIdle measures several peers at the same time. Only one is in use; the ones before it are
// already idle.
func (b *bench) measureIdle(ctx context.Context, s step) ([]measurement, error) {
	var inUse sync.Mutex // held while the connections of one peer are used
	var waiting sync.WaitGroup
	measurements, errs := make([]measurement, len(s.Peers)), make([]error, len(s.Peers))
	for i, p := range s.Peers {
		waiting.Go(func() {
			measurements[i], errs[i] = b.measureIdleOf(ctx, p, s.Case, &inUse)
		})
	}
	waiting.Wait()
	return measurements, errors.Join(errs...)
}

// measureIdleOf measures a new instance of the peer, since memory depends on what a process has
// done before.
func (b *bench) measureIdleOf(ctx context.Context, p peer, c benchCase, inUse sync.Locker) (measurement, error) {
	idle, start, err := b.makeIdle(ctx, p, c, inUse)
	if err != nil {
		return measurement{}, fmt.Errorf("%s: %w", p.Name, err)
	}
	defer idle.close()
	if err := wait.For(ctx, idleHold); err != nil {
		return measurement{}, err
	}
	held, err := groupMemory(idle.instance.process.PID())
	if err != nil {
		return measurement{}, fmt.Errorf("%s: %w", p.Name, err)
	}
	return measurement{Values: idleValues(start, held, c.Connections)}, nil
}

// An idleProxy is a proxy with clients that do nothing.
type idleProxy struct {
	instance *instance
	clients  idleClients
}

func (p idleProxy) close() {
	p.clients.close()
	p.instance.stop()
}

// makeIdle starts a proxy, reads its memory, and opens and uses connections to it.
func (b *bench) makeIdle(
	ctx context.Context, p peer, c benchCase, inUse sync.Locker,
) (proxy idleProxy, start memory, err error) {
	inUse.Lock()
	defer inUse.Unlock()
	if proxy.instance, err = b.startInstance(ctx, p, c.Protocol, c.Connections); err != nil {
		return proxy, start, err
	}
	defer func() {
		if err != nil {
			proxy.close()
		}
	}()
	if err = wait.For(ctx, idleStart); err != nil {
		return proxy, start, err
	}
	if start, err = groupMemory(proxy.instance.process.PID()); err != nil {
		return proxy, start, err
	}
	address := proxy.instance.paths.Listen
	if proxy.clients, err = openIdle(ctx, address, c.Protocol, c.Connections); err != nil {
		return proxy, start, err
	}
	return proxy, start, proxy.clients.live(ctx)
}

// idleValues returns the values in decimal units: 1 KB is 1,000 bytes.
func idleValues(start, idle memory, connections int) map[string]float64 {
	return map[string]float64{
		"start":     start.RSS / 1e6,
		"start_pss": start.PSS / 1e6,
		"resident":  idle.RSS / 1e6,
		"perconn":   (idle.RSS - start.RSS) / float64(connections) / 1e3,
		"idle_pss":  idle.PSS / 1e6,
	}
}

// idleClients are connections that are idle most of the time.
type idleClients []idleClient

// An idleClient is one of them.
type idleClient interface {
	exchange() error // one request and its response, or a message and its echo
	close()
}

// openIdle opens n connections to address and makes one exchange on each. The caller must close the
// result, even on error.
func openIdle(ctx context.Context, address string, spoken protocol, n int) (idleClients, error) {
	clients := make(idleClients, n)
	err := clients.each(ctx, func(i int) error {
		conn, err := net.DialTimeout("tcp", address, 5*time.Second)
		if err != nil {
			return err
		}
		if spoken == https {
			conn = tls.Client(conn, handshake.Config(handshake.Forget{}))
		}
		clients[i] = &keepAlive{conn: conn, answers: bufio.NewReader(conn)}
		if spoken == webSocket {
			if clients[i], err = openIdleSocket(conn, address); err != nil {
				return err
			}
		}
		return clients[i].exchange()
	})
	if err != nil {
		return clients, fmt.Errorf("open %d connections: %w", n, err)
	}
	return clients, nil
}

// live uses each connection a few times, with pauses.
func (c idleClients) live(ctx context.Context) error {
	for range idlePasses {
		if err := wait.For(ctx, idleGap); err != nil {
			return err
		}
		err := c.each(ctx, func(i int) error { return c[i].exchange() })
		if err != nil {
			return fmt.Errorf("use idle connections: %w", err)
		}
	}
	return nil
}

// each calls do for every index, from idleWorkers goroutines.
func (c idleClients) each(ctx context.Context, do func(i int) error) error {
	var workers sync.WaitGroup
	errs := make([]error, idleWorkers)
	for w := range idleWorkers {
		workers.Go(func() {
			for i := w; i < len(c) && errs[w] == nil && ctx.Err() == nil; i += idleWorkers {
				errs[w] = do(i)
			}
		})
	}
	workers.Wait()
	return errors.Join(append(errs, context.Cause(ctx))...)
}

func (c idleClients) close() {
	for _, client := range c {
		if client != nil {
			client.close()
		}
	}
}

// A keepAlive is one keep-alive connection.
type keepAlive struct {
	conn    net.Conn
	answers *bufio.Reader
}

// exchange makes one request and reads the whole response, within five seconds.
func (c *keepAlive) exchange() error {
	if err := c.conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	if _, err := io.WriteString(c.conn, "GET /small HTTP/1.1\r\nHost: app\r\n\r\n"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if err == nil && n != smallBody {
		err = fmt.Errorf("got %s with %d bytes, want 200 with %d", resp.Status, n, smallBody)
	}
	return err
}

func (c *keepAlive) close() { c.conn.Close() }

// An idleSocket is one WebSocket.
type idleSocket struct{ *echoClient }

// openIdleSocket opens a WebSocket on a connection. It closes the connection on error.
func openIdleSocket(conn net.Conn, address string) (idleClient, error) {
	client, err := openEcho(conn, address, webSocket)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return idleSocket{client}, nil
}

func (s idleSocket) exchange() error {
	if err := s.arm(); err != nil {
		return err
	}
	return s.echoClient.exchange(smallBody)
}

func (s idleSocket) close() { s.conn.Close() }
