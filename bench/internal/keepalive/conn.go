package keepalive

import (
	"bufio"
	"net"
	"syscall"
	"time"
)

// A Conn is a connection with the reader of its incoming bytes.
type Conn struct {
	*net.TCPConn
	Reader *bufio.Reader

	writer *bufio.Writer // nil until Writer is called
	end    error
	peeked [1]byte
}

func newConn(c *net.TCPConn) *Conn {
	conn := &Conn{TCPConn: c}
	conn.Reader = bufio.NewReader(conn)
	return conn
}

// Writer returns the buffered writer of the connection, which must be flushed.
func (c *Conn) Writer() *bufio.Writer {
	if c.writer == nil {
		c.writer = bufio.NewWriter(c.TCPConn)
	}
	return c.writer
}

// Read reads from the connection, bypassing the Reader, and stores the error for End.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	c.end = err
	return n, err
}

// Buffer returns the Reader.
func (c *Conn) Buffer() *bufio.Reader { return c.Reader }

// End returns the error of the last read from the connection. HTTP parsers report a message that
// ends in its head as malformed; End distinguishes the two.
func (c *Conn) End() error { return c.end }

// quiet reports whether the peer has neither closed the connection nor sent anything, without
// waiting.
func (c *Conn) quiet() bool {
	if c.Reader.Buffered() > 0 {
		return false
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	var peeked error
	err = raw.Read(func(fd uintptr) bool {
		_, _, peeked = syscall.Recvfrom(int(fd), c.peeked[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return true // never wait: a quiet connection has no data
	})
	return err == nil && peeked == syscall.EAGAIN
}

// rest prepares the connection for being idle: it removes the deadline of the last exchange.
func (c *Conn) rest() error {
	return c.SetDeadline(time.Time{})
}
