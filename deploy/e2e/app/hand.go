package main

import (
	"net"
	"net/http"
	"sync"

	"golang.org/x/sys/unix"
)

// A hand is what an app has in hand: connections on which a request is due or under way. Those that
// lie idle between two requests are not.
type hand struct {
	listener *net.TCPListener

	mu   sync.Mutex
	busy map[net.Conn]bool // those that the app has accepted
}

func newHand(l net.Listener) *hand {
	return &hand{listener: l.(*net.TCPListener), busy: make(map[net.Conn]bool)}
}

// note is an [http.Server]'s ConnState.
func (h *hand) note(c net.Conn, s http.ConnState) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s == http.StateNew || s == http.StateActive {
		h.busy[c] = true
	} else {
		delete(h.busy, c)
	}
}

// accepted returns how many connections that the app has accepted are in hand.
func (h *hand) accepted() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.busy)
}

// close lets nothing more in, and returns how much was in hand then. What the app accepts in this
// moment may count twice.
func (h *hand) close() int {
	n := h.queued()
	h.listener.Close()
	return n + h.accepted()
}

// queued returns how many connections the kernel has accepted and the app has not. For a socket
// that listens that is what stands in the place of the bytes that are not acknowledged (Linux:
// net/ipv4/tcp.c, tcp_get_info).
func (h *hand) queued() (n int) {
	raw, err := h.listener.SyscallConn()
	if err != nil {
		return 0
	}
	raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.SOL_TCP, unix.TCP_INFO); err == nil {
			n = int(info.Unacked)
		}
	})
	return n
}
