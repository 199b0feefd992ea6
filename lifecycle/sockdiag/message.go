package sockdiag

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"time"
)

// The layouts are those of linux/include/uapi/linux/inet_diag.h: struct inet_diag_req_v2, struct
// inet_diag_msg, and behind that one, attributes of which each has its length and its type in front
// (struct nlattr).
const (
	requestSize = 56
	messageSize = 72

	protocolTCP = 6 // IPPROTO_TCP

	attributeHeader   = 4
	attributeInfo     = 2  // INET_DIAG_INFO
	attributeIPv6Only = 11 // INET_DIAG_SKV6ONLY
)

// The address families of inet_diag_msg, which are Linux's wherever the parser runs.
const (
	familyIPv4 = 2
	familyIPv6 = 10
)

// Offsets in struct tcp_info. Older kernels end before the counters.
const (
	infoLastDataReceived  = 52
	infoBytesAcknowledged = 120
	infoBytesReceived     = 128
	infoSize              = 136
)

var errMalformed = errors.New("malformed answer from the kernel")

// A query is what a dump is asked for.
type query struct {
	state State
	port  uint16 // local port; 0: any
	info  bool   // ask for tcp_info
}

func (q query) matches(s socket) bool {
	return s.state == q.state && (q.port == 0 || q.port == s.local.Port())
}

// appendRequest appends the inet_diag_req_v2 of a query for one address family.
func appendRequest(b []byte, q query, family uint8) []byte {
	var extensions uint8
	if q.info {
		extensions = 1 << (attributeInfo - 1)
	}
	start := len(b)
	b = append(b, family, protocolTCP, extensions, 0)
	b = binary.NativeEndian.AppendUint32(b, 1<<q.state)
	b = binary.BigEndian.AppendUint16(b, q.port)
	return append(b, make([]byte, requestSize-(len(b)-start))...)
}

// parseMessage reads one inet_diag_msg with its attributes.
func parseMessage(b []byte) (s socket, err error) {
	if len(b) < messageSize {
		return s, errMalformed
	}
	local, err := parseAddress(b[0], b[8:24])
	if err != nil {
		return s, err
	}
	remote, err := parseAddress(b[0], b[24:40])
	if err != nil {
		return s, err
	}
	s = socket{
		state:        State(b[1]),
		local:        netip.AddrPortFrom(local, binary.BigEndian.Uint16(b[4:])),
		remote:       netip.AddrPortFrom(remote, binary.BigEndian.Uint16(b[6:])),
		receiveQueue: binary.NativeEndian.Uint32(b[56:]),
		sendQueue:    binary.NativeEndian.Uint32(b[60:]),
		inode:        binary.NativeEndian.Uint32(b[68:]),
	}
	return s, s.parseAttributes(b[messageSize:])
}

func parseAddress(family uint8, b []byte) (netip.Addr, error) {
	switch family {
	case familyIPv4:
		return netip.AddrFrom4([4]byte(b)), nil
	case familyIPv6:
		return netip.AddrFrom16([16]byte(b)), nil
	}
	return netip.Addr{}, errMalformed
}

// parseAttributes reads the attributes behind a message and skips those that are unknown.
func (s *socket) parseAttributes(b []byte) error {
	for len(b) >= attributeHeader {
		size := int(binary.NativeEndian.Uint16(b))
		if size < attributeHeader || size > len(b) {
			return errMalformed
		}
		value := b[attributeHeader:size]
		switch binary.NativeEndian.Uint16(b[2:]) {
		case attributeInfo:
			s.info = parseInfo(value)
		case attributeIPv6Only:
			s.ipv6Only = len(value) > 0 && value[0] != 0
		}
		aligned := (size + 3) &^ 3
		b = b[min(aligned, len(b)):]
	}
	return nil
}

// parseInfo reads struct tcp_info. It returns nil if the kernel's is too old.
func parseInfo(b []byte) *Info {
	if len(b) < infoSize {
		return nil
	}
	return &Info{
		LastDataReceived:  time.Duration(binary.NativeEndian.Uint32(b[infoLastDataReceived:])) * time.Millisecond,
		BytesAcknowledged: binary.NativeEndian.Uint64(b[infoBytesAcknowledged:]),
		BytesReceived:     binary.NativeEndian.Uint64(b[infoBytesReceived:]),
	}
}
