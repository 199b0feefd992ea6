package balancer

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"lameduck/bench/internal/procfs"
)

// listenState is TCP_LISTEN as /proc/net/tcp writes it.
const listenState = "0A"

// listeners returns the inode numbers of the sockets that listen on an IPv4 address. They identify
// a socket, and show whether a process still has it open.
func listeners(addr string) ([]string, error) {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, fmt.Errorf("list listening sockets: %w", err)
	}
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return nil, fmt.Errorf("list listening sockets: %w", err)
	}
	local := procAddr(at)
	var inodes []string
	for line := range bytes.Lines(table) {
		// sl local_address rem_address st tx_queue:rx_queue tr:when retrnsmt uid timeout inode ...
		f := bytes.Fields(line)
		if len(f) > 9 && string(f[1]) == local && string(f[3]) == listenState {
			inodes = append(inodes, string(f[9]))
		}
	}
	return inodes, nil
}

// procAddr formats an IPv4 address as /proc/net/tcp does, in upper-case hex digits: its bytes in
// the machine's order, assumed to be little-endian, and the port.
func procAddr(a netip.AddrPort) string {
	ip := a.Addr().As4()
	slices.Reverse(ip[:])
	return string(bytes.ToUpper(hex.AppendEncode(nil, ip[:]))) + ":" + fmt.Sprintf("%04X", a.Port())
}

// holds reports whether the process has one of the sockets open. A process that has ended has none.
func holds(pid int, inodes []string) (bool, error) {
	targets, err := procfs.Descriptors(pid)
	if errors.Is(err, procfs.ErrEnded) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("list the descriptors of process %d: %w", pid, err)
	}
	return slices.ContainsFunc(inodes, func(inode string) bool {
		return slices.Contains(targets, "socket:["+inode+"]")
	}), nil
}

// expectNone returns an error while the process has one of the sockets open.
func expectNone(pid int, inodes []string) error {
	held, err := holds(pid, inodes)
	if held {
		return fmt.Errorf("process %d still accepts connections", pid)
	}
	return err
}
