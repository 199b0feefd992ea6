package main

import (
	"net"
	"net/http"
	"sync"

	"golang.org/x/sys/unix"
)

// A hand counts the connections on which a request is expected or in flight. Connections that are
// idle between two requests do not count.
type hand struct {
	listener *net.TCPListener

	mu   sync.Mutex
	busy map[net.Conn]bool // accepted by the app
}

func newHand(l net.Listener) *hand {
	return &hand{listener: l.(*net.TCPListener), busy: make(map[net.Conn]bool)}
}

// note is the ConnState of an [http.Server].
func (h *hand) note(c net.Conn, s http.ConnState) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s == http.StateNew || s == http.StateActive {
		h.busy[c] = true
	} else {
		delete(h.busy, c)
	}
}

// accepted returns the number of connections that the app has accepted and that count.
func (h *hand) accepted() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.busy)
}

// close closes the listener and returns the count at that moment. A connection that the app accepts
// in this moment may count twice.
func (h *hand) close() int {
	n := h.queued()
	h.listener.Close()
	return n + h.accepted()
}

// queued returns the length of the accept queue. Linux reports it as the unacknowledged segments of
// a listening socket (net/ipv4/tcp.c, tcp_get_info).
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
