package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// A crowd is many keep-alive connections.
type crowd struct {
	epoll   int
	members []member
	request []byte
	start   time.Time
	waiting int // requests without a complete response

	latencies []time.Duration
}

// A member is one connection.
type member struct {
	fd     int
	sent   time.Duration // when its request was sent, since the start
	got    int           // bytes of the response so far
	length int           // of its first response, and so of each
}

// answerTimeout bounds the wait for a response.
const answerTimeout = 20 * time.Second

// gather opens connections, and makes one request on each.
func gather(server netip.AddrPort, connections int) (*crowd, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	c := &crowd{
		epoll:   epoll,
		request: fmt.Appendf(nil, "GET /small HTTP/1.1\r\nHost: %s\r\n\r\n", server),
		start:   time.Now(),
	}
	for i := range connections {
		if err := c.join(server); err != nil {
			c.close()
			return nil, fmt.Errorf("open connection %d to %s: %w", i, server, err)
		}
	}
	return c, nil
}

// join opens a connection and reads its first response, whose length is that of all others. The
// connection does not block afterwards.
func (c *crowd) join(server netip.AddrPort) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	c.members = append(c.members, member{fd: fd})
	m := &c.members[len(c.members)-1]
	limit := unix.NsecToTimeval(int64(answerTimeout))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit); err != nil {
		return err
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(server.Port()), Addr: server.Addr().As4()}); err != nil {
		return err
	}
	if _, err := unix.Write(fd, c.request); err != nil {
		return err
	}
	if m.length, err = readFirst(fd); err != nil {
		return err
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(len(c.members) - 1)} // Fd is only returned
	return errors.Join(unix.SetNonblock(fd, true), unix.EpollCtl(c.epoll, unix.EPOLL_CTL_ADD, fd, &event))
}

// readFirst reads a response of less than 4 KiB and returns its length.
func readFirst(fd int) (int, error) {
	var text [4096]byte
	for got := 0; got < len(text); {
		n, err := unix.Read(fd, text[got:])
		if errors.Is(err, unix.EINTR) {
			continue // by a signal of Go's scheduler
		}
		if err != nil || n <= 0 {
			return 0, fmt.Errorf("read the first response: %d bytes, %w", got, errors.Join(err, checkStart(text[:got])))
		}
		got += n
		length, err := wholeLength(text[:got])
		if err != nil || length == got {
			return length, err
		}
	}
	return 0, errors.New("the first response is too long")
}

// checkStart returns an error unless the text is the beginning of a response with status 200.
func checkStart(text []byte) error {
	const want = "HTTP/1.1 200 "
	if !bytes.HasPrefix(text, []byte(want)[:min(len(want), len(text))]) {
		line, _, _ := bytes.Cut(text, []byte("\r\n"))
		return fmt.Errorf("got %q, want %s", line, want)
	}
	return nil
}

func (c *crowd) close() {
	for _, m := range c.members {
		unix.Close(m.fd)
	}
	unix.Close(c.epoll)
}
