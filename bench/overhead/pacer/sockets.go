package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"time"

	"golang.org/x/sys/unix"
)

// sockets are a wire to one server: keep-alive connections without Go's poller, which would wake
// more than one thread for each response.
type sockets struct {
	start   time.Time
	request []byte
	fds     []unix.PollFd // by connection
	answers [][]byte      // by connection: the part of the response that was received
	ready   []int         // reused by wait
}

// dial opens connections to the server of an http URL with a literal IPv4 address, and makes one
// request on each.
func dial(target string, connections int) (*sockets, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	server, err := netip.ParseAddrPort(u.Host)
	if err != nil || u.Scheme != "http" || !server.Addr().Is4() {
		return nil, fmt.Errorf("URL %q: want one such as http://127.0.0.1:8080/path", target)
	}
	// Sleep exactly. By default the kernel adds up to 50 µs, to wake up less often.
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("set timer slack: %w", err)
	}
	request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", u.RequestURI(), u.Host)
	s := &sockets{start: time.Now(), request: request}
	for conn := range connections {
		if err := s.open(server, conn); err != nil {
			s.close()
			return nil, fmt.Errorf("open connection %d to %s: %w", conn, server, err)
		}
	}
	return s, nil
}

// open adds a connection and makes a request on it that does not count.
func (s *sockets) open(server netip.AddrPort, conn int) error {
	if err := s.connect(server); err != nil {
		return err
	}
	if err := s.send(conn); err != nil {
		return err
	}
	return s.await(conn)
}

// connect adds a connection. Its socket is added first, so that close closes it on error.
func (s *sockets) connect(server netip.AddrPort) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	s.fds = append(s.fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	s.answers = append(s.answers, nil)
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(server.Port()), Addr: server.Addr().As4()}); err != nil {
		return err
	}
	return errors.Join(unix.SetNonblock(fd, true), unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
}

// await returns when the response on a connection is complete.
func (s *sockets) await(conn int) error {
	for deadline := s.now() + answerTimeout; s.now() < deadline; {
		ready, err := s.wait(deadline)
		if err != nil {
			return err
		}
		if len(ready) == 0 {
			continue
		}
		if whole, err := s.receive(conn); whole || err != nil {
			return err
		}
	}
	return fmt.Errorf("no response within %s", answerTimeout)
}

func (s *sockets) now() time.Duration { return time.Since(s.start) }

func (s *sockets) wait(until time.Duration) ([]int, error) {
	timeout := unix.NsecToTimespec(int64(max(0, until-s.now())))
	s.ready = s.ready[:0]
	if _, err := unix.Ppoll(s.fds, &timeout, nil); err != nil {
		if errors.Is(err, unix.EINTR) {
			return nil, nil
		}
		return nil, fmt.Errorf("wait for responses: %w", err)
	}
	for conn := range s.fds {
		if s.fds[conn].Revents != 0 {
			s.ready = append(s.ready, conn)
		}
	}
	return s.ready, nil
}

// send writes the request, which always fits the send buffer of an idle connection.
func (s *sockets) send(conn int) error {
	_, err := unix.Write(int(s.fds[conn].Fd), s.request)
	return err
}

func (s *sockets) receive(conn int) (whole bool, err error) {
	var some [4096]byte // more than the response
	n, err := unix.Read(int(s.fds[conn].Fd), some[:])
	switch {
	case errors.Is(err, unix.EAGAIN):
		return false, nil
	case err != nil:
		return false, err
	case n == 0:
		return false, io.ErrUnexpectedEOF
	}
	s.answers[conn] = append(s.answers[conn], some[:n]...)
	whole, err = checkAnswer(s.answers[conn])
	if whole {
		s.answers[conn] = s.answers[conn][:0]
	}
	return whole, err
}

func (s *sockets) close() {
	for _, fd := range s.fds {
		unix.Close(int(fd.Fd))
	}
}
