package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"lameduck/bench/overhead/handshake"
)

// A greeter makes requests to an address.
type greeter struct {
	address string
	config  *tls.Config
	resume  bool // each connection must resume a session
}

// A summary is the output.
type summary struct {
	Requests int64   `json:"requests"`
	Seconds  float64 `json:"seconds"`
}

// greetTimeout bounds one request.
const greetTimeout = 10 * time.Second

// load makes requests from several clients at a time, for the given time. It ends at the first
// error.
func (g greeter) load(d time.Duration, clients int) (summary, error) {
	var answered atomic.Int64
	var running sync.WaitGroup
	errs := make([]error, clients)
	begun := time.Now()
	for i := range clients {
		running.Go(func() {
			for time.Since(begun) < d && errs[i] == nil {
				if errs[i] = g.greet(context.Background()); errs[i] == nil {
					answered.Add(1)
				}
			}
		})
	}
	running.Wait()
	return summary{Requests: answered.Load(), Seconds: time.Since(begun).Seconds()}, errors.Join(errs...)
}

// greet makes one request on a new connection, and reads until the server closes it. So it also
// reads the session tickets, which come after the handshake.
func (g greeter) greet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, greetTimeout)
	defer cancel()
	dialed, err := (&tls.Dialer{Config: g.config}).DialContext(ctx, "tcp", g.address)
	if err != nil {
		return err
	}
	defer dialed.Close()
	conn := dialed.(*tls.Conn)
	if err := handshake.Check(conn.ConnectionState(), g.resume); err != nil {
		return err
	}
	if err := conn.SetDeadline(time.Now().Add(greetTimeout)); err != nil {
		return err
	}
	request := "GET /small HTTP/1.1\r\nHost: " + handshake.ServerName + "\r\nConnection: close\r\n\r\n"
	if _, err := io.WriteString(conn, request); err != nil {
		return err
	}
	return readAnswer(conn)
}

// readAnswer reads a response with status 200 and what follows it.
func readAnswer(conn io.Reader) error {
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("got %s, want 200", resp.Status)
	}
	_, err = io.Copy(io.Discard, in)
	return err
}
