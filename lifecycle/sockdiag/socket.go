package sockdiag

import (
	"net/netip"
	"time"
)

// A State is the state of a TCP socket, with the kernel's numbers (linux/include/net/tcp_states.h).
type State uint8

// The states that queries use.
const (
	Established State = 1
	FinWait1    State = 4
	FinWait2    State = 5
	CloseWait   State = 8
	LastAck     State = 9
	Listen      State = 10
	Closing     State = 11
)

// A stateSet is a set of states, with a bit for each.
type stateSet uint32

func states(all ...State) (set stateSet) {
	for _, s := range all {
		set |= 1 << s
	}
	return set
}

func (set stateSet) has(s State) bool { return s < 32 && set&(1<<s) != 0 }

// connected are the states in which data can still arrive, be read or be sent.
var connected = states(Established, FinWait1, FinWait2, CloseWait, LastAck, Closing)

// A Listener is a socket that accepts connections. With SO_REUSEPORT several have one address, each
// with its own queue.
type Listener struct {
	// Address is where it listens. An unspecified address stands for all addresses of its family.
	Address netip.AddrPort
	// IPv6Only reports whether a listener of IPv6 refuses IPv4. It is false where that is unknown.
	IPv6Only bool
	// Queue is how many connections wait to be accepted.
	Queue int
	// Backlog is how many may wait. Zero means that it is unknown.
	Backlog int
}

// Accepts reports whether a connection to the address to reaches the listener.
func (l Listener) Accepts(to netip.AddrPort) bool {
	if to.Port() != l.Address.Port() {
		return false
	}
	own, other := l.Address.Addr(), to.Addr().WithZone("")
	switch {
	case own.Unmap() == other.Unmap():
		return true // with an IPv4 address in either notation
	case !own.IsUnspecified():
		return false
	case own.Is4():
		return other.Unmap().Is4()
	}
	return other.Is6() && !other.Is4In6() || !l.IPv6Only
}

// A Connection is a TCP connection that is established, or was until one side ended it.
type Connection struct {
	State         State
	Local, Remote netip.AddrPort
	// Accepted reports whether a process holds it. It is false while the connection waits in a
	// listener's queue, and after its process has closed it.
	Accepted bool
	// Unread is how many received bytes have not been read.
	Unread int
	// Unacknowledged is how many bytes have been written that the other side has not acknowledged.
	Unacknowledged int
	// Measured reports whether Info is known.
	Measured bool
	Info     Info
}

// Info is the part of tcp_info that is of use here. Times are in steps of up to 10 ms.
type Info struct {
	// LastDataSent is the time since data was last sent. It has no meaning if none was.
	LastDataSent time.Duration
	// LastDataReceived is the time since data was last received, or the connection's age if there
	// was none.
	LastDataReceived time.Duration
	// BytesReceived counts the received bytes, including one for a FIN.
	BytesReceived uint64
	// DataSegmentsReceived and DataSegmentsSent count segments with data, which a FIN is not.
	DataSegmentsReceived, DataSegmentsSent uint32
}

// A socket is one entry of a dump, in any state.
type socket struct {
	state         State
	local, remote netip.AddrPort
	receiveQueue  uint32
	sendQueue     uint32
	inode         uint32
	ipv6Only      bool
	measured      bool
	info          Info
}

// listener returns the socket as a [Listener]. The queues of a socket in state LISTEN have another
// meaning.
func (s *socket) listener() Listener {
	return Listener{Address: s.local, IPv6Only: s.ipv6Only, Queue: int(s.receiveQueue), Backlog: int(s.sendQueue)}
}

func (s *socket) connection() Connection {
	return Connection{
		State: s.state, Local: s.local, Remote: s.remote, Accepted: s.inode != 0,
		Unread: int(s.receiveQueue), Unacknowledged: int(s.sendQueue), Measured: s.measured, Info: s.info,
	}
}
