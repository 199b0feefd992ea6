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

// dumpTimeout bounds a dump. The kernel answers in milliseconds; what takes longer is no kernel.
const dumpTimeout = time.Second

// byFamily is SOCK_DIAG_BY_FAMILY (linux/include/uapi/linux/sock_diag.h).
const byFamily = 20

// A source is where sockets are read from: the kernel's netlink socket, or the tables in /proc
// where that is refused.
type source struct {
	netlink *netlink.Conn // nil: not open
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

// dump returns the sockets that match a query.
func (s *source) dump(q query) ([]socket, error) {
	if s.netlink == nil {
		s.open()
	}
	if s.netlink != nil {
		sockets, err := s.ask(q)
		if err == nil {
			return sockets, nil
		}
		s.close() // what is left of an answer must not be taken for the next one
	}
	return readTables("/proc/net", q)
}

func (s *source) ask(q query) (sockets []socket, err error) {
	if err := s.netlink.SetDeadline(time.Now().Add(dumpTimeout)); err != nil {
		return nil, err
	}
	for _, family := range []uint8{familyIPv4, familyIPv6} {
		if sockets, err = s.appendFamily(sockets, q, family); err != nil {
			return nil, err
		}
	}
	return sockets, nil
}

// appendFamily appends the sockets of one address family.
func (s *source) appendFamily(sockets []socket, q query, family uint8) ([]socket, error) {
	request, err := s.netlink.Send(netlink.Message{
		Header: netlink.Header{Type: byFamily, Flags: netlink.Request | netlink.Dump},
		Data:   appendRequest(nil, q, family),
	})
	if err != nil {
		return nil, err
	}
	for m, err := range s.netlink.ReceiveIter() {
		if err != nil {
			return nil, err
		}
		if m.Header.Sequence != request.Header.Sequence || m.Header.Type != byFamily {
			return nil, errMalformed
		}
		entry, err := parseMessage(m.Data)
		if err != nil {
			return nil, err
		}
		if q.matches(entry) { // an emulated kernel may not heed the query
			sockets = append(sockets, entry)
		}
	}
	return sockets, nil
}

// readTables reads the sockets from the tables in dir. A kernel without IPv6 has one of them.
func readTables(dir string, q query) (sockets []socket, err error) {
	for _, name := range []string{"tcp", "tcp6"} {
		found, err := readTable(dir+"/"+name, q)
		if errors.Is(err, fs.ErrNotExist) && name == "tcp6" {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		sockets = append(sockets, found...)
	}
	return sockets, nil
}

func readTable(path string, q query) ([]socket, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseTable(f, q)
}
