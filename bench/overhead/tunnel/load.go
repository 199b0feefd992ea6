package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// A load is a configured load.
type load struct {
	up, websocket bool
	frame         int
	connections   int
	duration      time.Duration
	address       string
}

// A summary is the printed result.
type summary struct {
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
}

// ioTimeout bounds the opening of a connection, and the transfer of the last bytes to the app.
const ioTimeout = 5 * time.Second

// run opens all connections and then uses them concurrently.
func (l load) run(ctx context.Context) (summary, error) {
	conns := make([]*net.TCPConn, l.connections)
	for i := range conns {
		conn, err := l.open(ctx)
		if err != nil {
			return summary{}, fmt.Errorf("open connection %d to %s: %w", i, l.address, err)
		}
		defer conn.Close()
		conns[i] = conn
	}
	began := time.Now()
	counts, errs := make([]int64, len(conns)), make([]error, len(conns))
	var busy sync.WaitGroup
	for i, conn := range conns {
		busy.Go(func() { counts[i], errs[i] = l.use(conn, began.Add(l.duration)) })
	}
	busy.Wait()
	s := summary{Seconds: time.Since(began).Seconds()}
	for _, n := range counts {
		s.Bytes += n
	}
	return s, errors.Join(errs...)
}

func (l load) request() request {
	r := request{do: "down", frame: l.frame, websocket: l.websocket}
	if l.up {
		r.do = "up"
	}
	return r
}

func (l load) open(ctx context.Context) (*net.TCPConn, error) {
	dialer := net.Dialer{Timeout: ioTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", l.address)
	if err != nil {
		return nil, err
	}
	tcp := conn.(*net.TCPConn)
	err = errors.Join(tcp.SetDeadline(time.Now().Add(ioTimeout)),
		l.request().write(tcp, bufio.NewReader(tcp), l.address))
	if err != nil {
		tcp.Close()
		return nil, err
	}
	return tcp, nil
}

// use transfers bytes until a time, and returns how many have reached the other end. It is an error
// if the connection ends first.
func (l load) use(conn *net.TCPConn, until time.Time) (n int64, err error) {
	if err := conn.SetDeadline(until); err != nil {
		return 0, err
	}
	if l.up {
		n, err = send(conn, l.request().message(true))
	} else {
		n, err = discard(conn)
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return n, fmt.Errorf("the tunnel ended after %d bytes: %w", n, err)
	}
	if l.up {
		return n, finish(conn)
	}
	return n, nil
}

// finish returns when the app has read everything.
func finish(conn *net.TCPConn) error {
	if err := errors.Join(conn.SetDeadline(time.Now().Add(ioTimeout)), conn.CloseWrite()); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, conn); err != nil {
		return fmt.Errorf("wait until the app has read everything: %w", err)
	}
	return nil
}
