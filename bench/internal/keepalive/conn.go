package keepalive

import (
	"bufio"
	"net"
	"syscall"
	"time"
)

// Conn is one connection together with the reader that owns its incoming bytes.
type Conn struct {
	*net.TCPConn
	Reader *bufio.Reader

	writer *bufio.Writer // nil until it is asked for
	end    error
	peeked [1]byte
}

func newConn(c *net.TCPConn) *Conn {
	conn := &Conn{TCPConn: c}
	conn.Reader = bufio.NewReader(conn)
	return conn
}

// Writer returns a buffered writer to the connection, the same one each time. It must be flushed.
func (c *Conn) Writer() *bufio.Writer {
	if c.writer == nil {
		c.writer = bufio.NewWriter(c.TCPConn)
	}
	return c.writer
}

// Read reads from the connection, past the Reader, and remembers how it ended.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	c.end = err
	return n, err
}

// End returns what the last read of bytes from the connection failed with, and nil if it did not
// fail. Parsers of HTTP report a message that ends in its head as malformed; this tells the two
// apart.
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
		return true // never wait: no byte yet is the answer hoped for
	})
	return err == nil && peeked == syscall.EAGAIN
}

// rest makes the connection ready to lie idle: no deadline of the last exchange may strike the next
// one.
func (c *Conn) rest() error {
	return c.SetDeadline(time.Time{})
}
