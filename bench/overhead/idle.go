package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// idleStart is how long a proxy that says it is ready is left alone
	// before its memory at start is read.
	idleStart = 500 * time.Millisecond
	// idlePasses is how often each of the idle connections is used before the
	// memory per connection is read, and idleGap the silence before each. A
	// state that only the first request leaves behind, and garbage of the
	// accepting, do not last that long.
	idlePasses = 3
	idleGap    = 250 * time.Millisecond
	// idleHold is the silence after the last pass: what makes a connection an
	// idle one. Go's scavenger, Lameduck's parking of idle connections, nginx's
	// and HAProxy's pools have given back by then what they soon give back.
	idleHold = 7 * time.Second
	// idleWorkers is how many of the connections are in use at a time.
	idleWorkers = 16
	// idleTraffic is what opening the connections and using them takes, by
	// experience; for the progress line only.
	idleTraffic = 1500 * time.Millisecond
)

// idleCase measures memory: at start, and of connections that wait.
func idleCase() benchCase {
	return benchCase{
		Name:  "idle",
		Title: "memory at start, and for each of many idle keep-alive connections",
		Extra: idleStart + idlePasses*idleGap + idleHold + idleTraffic,
		Every: 5,
		Metrics: []metric{
			{Name: "start", Title: "resident at start", Unit: "MB", Digits: 1},
			{Name: "start_pss", Title: "resident at start, shared pages shared out", Unit: "MB", Digits: 1, Hidden: true},
			{Name: "perconn", Title: "resident per idle connection", Unit: "KB", Digits: 1},
			{Name: "idle_pss", Title: "resident with idle connections, shared pages shared out", Unit: "MB", Digits: 1, Hidden: true},
		},
		measure: func(ctx context.Context, b *bench, in *instance, _ time.Duration) (measurement, error) {
			return b.measureIdle(ctx, in.peer)
		},
	}
}

// measureIdle starts another instance of the peer, since memory depends on
// what a process has done before.
func (b *bench) measureIdle(ctx context.Context, p peer) (measurement, error) {
	in, err := b.startInstance(ctx, p)
	if err != nil {
		return measurement{}, err
	}
	defer in.stop()

	if err := pause(ctx, idleStart); err != nil {
		return measurement{}, err
	}
	start, err := groupMemory(in.process.pid)
	if err != nil {
		return measurement{}, err
	}
	clients, err := openIdle(ctx, in.place.Listen, b.opts.Connections)
	defer clients.close()
	if err != nil {
		return measurement{}, err
	}
	if err := clients.live(ctx); err != nil {
		return measurement{}, err
	}
	idle, err := groupMemory(in.process.pid)
	if err != nil {
		return measurement{}, err
	}
	return measurement{Values: idleValues(start, idle, b.opts.Connections)}, nil
}

// idleValues are in decimal units: 1 KB is 1,000 bytes.
func idleValues(start, idle memory, connections int) map[string]float64 {
	return map[string]float64{
		"start":     start.RSS / 1e6,
		"start_pss": start.PSS / 1e6,
		"perconn":   (idle.RSS - start.RSS) / float64(connections) / 1e3,
		"idle_pss":  idle.PSS / 1e6,
	}
}

// idleClients are keep-alive connections that do nothing most of the time.
type idleClients []*idleClient

// openIdle opens n connections to address and makes one request on each. What
// it returns must be closed, on error too.
func openIdle(ctx context.Context, address string, n int) (idleClients, error) {
	clients := make(idleClients, n)
	err := clients.each(ctx, func(i int) error {
		conn, err := net.DialTimeout("tcp", address, 5*time.Second)
		if err != nil {
			return err
		}
		clients[i] = &idleClient{conn: conn, answers: bufio.NewReader(conn)}
		return clients[i].exchange()
	})
	if err != nil {
		return clients, fmt.Errorf("open %d connections: %w", n, err)
	}
	return clients, nil
}

// live uses each connection a few times with silence between, and returns
// after the last, longer silence.
func (c idleClients) live(ctx context.Context) error {
	for range idlePasses {
		if err := pause(ctx, idleGap); err != nil {
			return err
		}
		err := c.each(ctx, func(i int) error { return c[i].exchange() })
		if err != nil {
			return fmt.Errorf("use idle connections: %w", err)
		}
	}
	return pause(ctx, idleHold)
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
			client.conn.Close()
		}
	}
}

// An idleClient is one keep-alive connection.
type idleClient struct {
	conn    net.Conn
	answers *bufio.Reader
}

// exchange makes one request and reads the whole answer, in five seconds.
func (c *idleClient) exchange() error {
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
		err = fmt.Errorf("%s with %d bytes came instead of 200 with %d", resp.Status, n, smallBody)
	}
	return err
}
