package sockdiag

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
)

// The columns of /proc/net/tcp and tcp6 (linux/Documentation/networking/proc_net_tcp.rst).
const (
	columnLocal  = 1
	columnRemote = 2
	columnState  = 3
	columnQueues = 4
	columnInode  = 9
)

// parseTable calls f for the sockets that match in /proc/net/tcp or tcp6. The first line has the
// names of the columns.
func parseTable(r io.Reader, q query, f func(*socket)) error {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		columns := strings.Fields(lines.Text())
		if len(columns) <= columnInode || columns[columnLocal] == "local_address" {
			continue
		}
		s, err := parseRow(columns)
		if err != nil {
			return err
		}
		if q.matches(&s) {
			f(&s)
		}
	}
	return lines.Err()
}

func parseRow(columns []string) (s socket, err error) {
	if s.local, err = parseHexAddress(columns[columnLocal]); err != nil {
		return s, err
	}
	if s.remote, err = parseHexAddress(columns[columnRemote]); err != nil {
		return s, err
	}
	state, err := strconv.ParseUint(columns[columnState], 16, 8)
	if err != nil {
		return s, fmt.Errorf("state: %w", err)
	}
	send, receive, _ := strings.Cut(columns[columnQueues], ":")
	sendQueue, err := strconv.ParseUint(send, 16, 32)
	if err != nil {
		return s, fmt.Errorf("tx_queue: %w", err)
	}
	receiveQueue, err := strconv.ParseUint(receive, 16, 32)
	if err != nil {
		return s, fmt.Errorf("rx_queue: %w", err)
	}
	inode, err := strconv.ParseUint(columns[columnInode], 10, 32)
	if err != nil {
		return s, fmt.Errorf("inode: %w", err)
	}
	s.state, s.sendQueue, s.receiveQueue, s.inode = State(state), uint32(sendQueue), uint32(receiveQueue), uint32(inode)
	return s, nil
}

// parseHexAddress reads an address such as 0100007F:1F90. The kernel prints each 32 bits of the
// address as a number in its own byte order, and the port as a number. Errors do not quote the
// address, which may be a client's.
func parseHexAddress(s string) (netip.AddrPort, error) {
	address, port, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(address)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("address: %w", err)
	}
	for i := 0; i+4 <= len(b); i += 4 {
		binary.NativeEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	ip, ok := netip.AddrFromSlice(b)
	if !ok {
		return netip.AddrPort{}, errors.New("address: neither IPv4 nor IPv6")
	}
	n, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("address: %w", err)
	}
	return netip.AddrPortFrom(ip, uint16(n)), nil
}
