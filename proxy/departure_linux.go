package proxy

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// The states of a TCP connection that matter (linux/include/net/tcp_states.h).
const (
	tcpEstablished = 1
	tcpFinWait1    = 4
	tcpFinWait2    = 5
	tcpClose       = 7
	tcpCloseWait   = 8
)

// endOfPeer looks at the state of a TCP connection, and reads nothing. over reports whether both
// sides have ended, so that no reset can follow.
func endOfPeer(raw syscall.RawConn) (end peerEnd, over bool) {
	end = peerGone // unless the descriptor is still there
	_ = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			end = peerStays
			return
		}
		switch info.State {
		case tcpEstablished, tcpFinWait1, tcpFinWait2: // the latter: we have ended our side
			end = peerStays
			return
		case tcpClose: // also instead of TIME_WAIT, which the kernel keeps elsewhere
			if failure, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR); failure != 0 || err != nil {
				return
			}
		}
		over = info.State != tcpCloseWait // else LAST_ACK, CLOSING or the end of both
		if end = peerSilent; unreadBytes(fd) > 0 {
			end = peerAsked
		}
	})
	return end, over
}

// watchEnd calls ended once the peer of a connection has ended its side or has reset it. It returns
// a token, or 0 if the connection cannot be watched.
func (p *parker) watchEnd(raw syscall.RawConn, ended func()) (token uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.epoll == nil || p.closed {
		return 0
	}
	p.last++
	e := oneEvent(unix.EPOLLRDHUP, p.last)
	if !p.control(raw, unix.EPOLL_CTL_ADD, &e) {
		return 0
	}
	p.ends[p.last] = ended
	return p.last
}

// watchReset calls the function of watchEnd again once the peer has reset the connection.
func (p *parker) watchReset(raw syscall.RawConn, token uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		e := oneEvent(0, token) // errors are always reported
		p.control(raw, unix.EPOLL_CTL_MOD, &e)
	}
}

// unwatch undoes watchEnd.
func (p *parker) unwatch(raw syscall.RawConn, token uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.ends, token)
	if !p.closed {
		var e unix.EpollEvent
		p.control(raw, unix.EPOLL_CTL_DEL, &e)
	}
}
