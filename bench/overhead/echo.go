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

// An echoClient has a tunnel to an app that sends back what comes.
type echoClient struct {
	conn   net.Conn
	in     *bufio.Reader
	framed bool // it is a WebSocket
}

// openEcho asks the tunnel's app for an echo, on a new connection.
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

// arm gives the app five seconds for what comes next.
func (c *echoClient) arm() error { return c.conn.SetDeadline(time.Now().Add(5 * time.Second)) }

// exchange sends a message of so many bytes and looks whether it comes back.
func (c *echoClient) exchange(size int) error {
	text := bytes.Repeat([]byte("x"), size)
	var header []byte
	if c.framed {
		header = websocket.AppendHeader(nil, int64(size), true)
	}
	// The app takes all of it before it answers, or answers as it comes: either
	// way somebody has to read meanwhile.
	sent := make(chan error, 1)
	go func() {
		_, err := c.conn.Write(append(header, text...))
		sent <- err
	}()
	err := c.expect(text)
	if err != nil {
		_ = c.conn.SetDeadline(time.Unix(1, 0)) // ends the writing
	}
	return errors.Join(err, <-sent)
}

func (c *echoClient) expect(text []byte) error {
	if c.framed {
		length, err := websocket.ReadHeader(c.in)
		if err == nil && length != int64(len(text)) {
			err = fmt.Errorf("a message of %d bytes comes back as one of %d", len(text), length)
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
		return errors.New("other bytes come back than were sent")
	}
	return nil
}

// echo looks whether a message of so many bytes comes back from address.
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
