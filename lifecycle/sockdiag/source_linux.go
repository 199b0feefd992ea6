package sockdiag

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// dumpTimeout bounds a dump. The kernel answers in milliseconds, if this process gets CPU time.
const dumpTimeout = 2 * time.Second

// A source reads sockets from the kernel's netlink socket, or from the tables in /proc if netlink
// is refused.
type source struct {
	netlink *netlink.Conn // nil if it is not open
	buffer  []byte        // for datagrams
}

func (s *source) open() {
	if c, err := netlink.Dial(unix.NETLINK_SOCK_DIAG, nil); err == nil {
		s.netlink = c
	}
}

func (s *source) close() {
	if s.netlink != nil {
		_ = s.netlink.Close()
		s.netlink = nil
	}
}

// dump calls f for the sockets that match a query. After an error it may have been called for some.
func (s *source) dump(q query, f func(*socket)) error {
	if s.netlink == nil {
		s.open()
	}
	if s.netlink != nil {
		called := false
		err := s.ask(q, func(found *socket) { called = true; f(found) })
		if err == nil {
			return nil
		}
		s.close() // what is left of an answer must not be taken for the next one
		if called {
			return err // the tables would have the same sockets again
		}
	}
	return readTables("/proc/net", q, f)
}

// ask calls f for the sockets that match a query. It checks them itself, because an emulated kernel
// may ignore the query.
func (s *source) ask(q query, f func(*socket)) error {
	return s.askAll(q, func(found *socket) {
		if q.matches(found) {
			f(found)
		}
	})
}

// askAll calls f for what the kernel answers to a query, for both address families.
func (s *source) askAll(q query, f func(*socket)) error {
	if err := s.netlink.SetDeadline(time.Now().Add(dumpTimeout)); err != nil {
		return err
	}
	for _, family := range []uint8{familyIPv4, familyIPv6} {
		if err := s.askFamily(q, family, f); err != nil {
			return err
		}
	}
	return nil
}

func (s *source) askFamily(q query, family uint8, f func(*socket)) error {
	request, err := s.netlink.Send(netlink.Message{
		Header: netlink.Header{Type: byFamily, Flags: netlink.Request | netlink.Dump},
		Data:   appendRequest(nil, q, family),
	})
	if err != nil {
		return err
	}
	var found socket
	for done := false; !done; {
		b, err := s.receive()
		if err != nil {
			return err
		}
		done, err = eachMessage(b, request.Header.Sequence, func(b []byte) error {
			if found, err = parseMessage(b); err != nil {
				return err
			}
			f(&found)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// receive returns the next datagram, which is valid until the next call.
func (s *source) receive() (b []byte, err error) {
	if s.buffer == nil {
		s.buffer = make([]byte, receiveSize)
	}
	raw, err := s.netlink.SyscallConn() // not Receive, which would allocate each message
	if err != nil {
		return nil, err
	}
	var n int
	if waitErr := raw.Read(func(fd uintptr) bool {
		n, err = receiveNow(fd, s.buffer)
		return err != unix.EAGAIN
	}); waitErr != nil {
		return nil, waitErr
	}
	return s.buffer[:n], err
}

// receiveSize is the size of a receive buffer: the kernel fills datagrams of at most 32 KiB.
const receiveSize = 32 << 10

// receiveNow receives one datagram that has arrived.
func receiveNow(fd uintptr, b []byte) (n int, err error) {
	for {
		n, _, err = unix.Recvfrom(int(fd), b, unix.MSG_DONTWAIT)
		if err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// readTables reads the sockets from the tables in dir. A kernel without IPv6 has one of them.
func readTables(dir string, q query, f func(*socket)) error {
	for _, name := range []string{"tcp", "tcp6"} {
		err := readTable(dir+"/"+name, q, f)
		if errors.Is(err, fs.ErrNotExist) && name == "tcp6" {
			continue
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
	return nil
}

func readTable(path string, q query, f func(*socket)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return parseTable(file, q, f)
}
