package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"lameduck/bench/internal/websocket"
)

// An echoClient has a tunnel to an app that echoes.
type echoClient struct {
	conn   net.Conn
	in     *bufio.Reader
	framed bool // it is a WebSocket
}

// openEcho requests an echo from the tunnel's app, on a new connection.
func openEcho(conn net.Conn, address string, spoken protocol) (*echoClient, error) {
	c := &echoClient{conn, bufio.NewReader(conn), spoken == webSocket}
	if err := c.arm(); err != nil {
		return nil, err
	}
	if c.framed {
		return c, websocket.Open(conn, c.in, address, "/echo?frame=1")
	}
	_, err := io.WriteString(conn, "echo 1\n")
	return c, err
}

// arm sets a deadline of five seconds.
func (c *echoClient) arm() error { return c.conn.SetDeadline(time.Now().Add(5 * time.Second)) }

// exchange sends a message of the given size and checks the echo.
func (c *echoClient) exchange(size int) error {
	text := bytes.Repeat([]byte("x"), size)
	var header []byte
	if c.framed {
		header = websocket.AppendHeader(nil, int64(size), true)
	}
	// Write and read concurrently, since the app may echo before it has read everything.
	sent := make(chan error, 1)
	go func() {
		_, err := c.conn.Write(append(header, text...))
		sent <- err
	}()
	err := c.expect(text)
	if err != nil {
		_ = c.conn.SetDeadline(time.Unix(1, 0)) // aborts the write
	}
	return errors.Join(err, <-sent)
}

func (c *echoClient) expect(text []byte) error {
	if c.framed {
		length, err := websocket.ReadHeader(c.in)
		if err == nil && length != int64(len(text)) {
			err = fmt.Errorf("got an echo of %[2]d bytes, want %[1]d", len(text), length)
		}
		if err != nil {
			return err
		}
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c.in, got); err != nil {
		return err
	}
	if !bytes.Equal(got, text) {
		return errors.New("the echo differs from the message")
	}
	return nil
}

// echo checks that address echoes a message of the given size.
func (p protocol) echo(ctx context.Context, address string, size int) error {
	dialer := net.Dialer{Timeout: 5 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	client, err := openEcho(conn, address, p)
	if err != nil {
		return err
	}
	return client.exchange(size)
}
