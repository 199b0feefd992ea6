package sockdiag

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"time"
)

// The layouts are those of linux/include/uapi/linux/inet_diag.h: struct inet_diag_req_v2 and struct
// inet_diag_msg. The latter is followed by attributes, each preceded by its length and type (struct
// nlattr).
const (
	requestSize = 56
	messageSize = 72

	protocolTCP = 6 // IPPROTO_TCP

	attributeHeader   = 4
	attributeFilter   = 1  // INET_DIAG_REQ_BYTECODE, of a request
	attributeInfo     = 2  // INET_DIAG_INFO
	attributeIPv6Only = 11 // INET_DIAG_SKV6ONLY
)

// The address families of inet_diag_msg, which are Linux's wherever the parser runs.
const (
	familyIPv4 = 2
	familyIPv6 = 10
)

// Offsets in struct tcp_info. Kernels before 4.6 end before the counters of segments.
const (
	infoLastDataSent         = 44
	infoLastDataReceived     = 52
	infoBytesReceived        = 128
	infoDataSegmentsReceived = 152
	infoDataSegmentsSent     = 156
	infoSize                 = 160
)

var errMalformed = errors.New("malformed answer from the kernel")

// A query selects the sockets of a dump.
type query struct {
	states stateSet
	ports  []uint16 // local ports; empty means any
	info   bool     // ask for tcp_info
}

func (q query) matches(s *socket) bool {
	return q.states.has(s.state) && (len(q.ports) == 0 || slices.Contains(q.ports, s.local.Port()))
}

// appendRequest appends the inet_diag_req_v2 of a query for one address family.
func appendRequest(b []byte, q query, family uint8) []byte {
	var extensions uint8
	if q.info {
		extensions = 1 << (attributeInfo - 1)
	}
	var port uint16
	if len(q.ports) == 1 {
		port = q.ports[0]
	}
	start := len(b)
	b = append(b, family, protocolTCP, extensions, 0)
	b = binary.NativeEndian.AppendUint32(b, uint32(q.states))
	b = binary.BigEndian.AppendUint16(b, port)
	b = append(b, make([]byte, requestSize-(len(b)-start))...)
	if len(q.ports) < 2 || len(q.ports) > MaxPorts {
		return b // the kernel compares the one port by itself, and too many are compared here
	}
	filter := portFilter(q.ports)
	b = binary.NativeEndian.AppendUint16(b, uint16(attributeHeader+len(filter)))
	b = binary.NativeEndian.AppendUint16(b, attributeFilter)
	return append(b, filter...)
}

// MaxPorts is the largest number of ports that the kernel filters.
const MaxPorts = 64

// The operations of struct inet_diag_bc_op. Each has a code and two jumps, for a comparison that
// holds and for one that does not. The operand of a comparison is in the operation after it.
const (
	filterJump        = 1 // INET_DIAG_BC_JMP: always the second
	filterPortAtLeast = 2 // INET_DIAG_BC_S_GE
	filterPortAtMost  = 3 // INET_DIAG_BC_S_LE

	filterOperation = 4 // bytes
	filterBlock     = 5 * filterOperation
)

// portFilter returns the program that accepts sockets at some local ports. A jump to its end
// accepts, one to four bytes behind it rejects.
func portFilter(ports []uint16) []byte {
	var b []byte
	operation := func(code, yes uint8, no int) {
		b = append(b, code, yes)
		b = binary.NativeEndian.AppendUint16(b, uint16(no))
	}
	for i, port := range ports {
		next, end := filterBlock, (len(ports)-i)*filterBlock
		if i == len(ports)-1 {
			next += filterOperation
		}
		operation(filterPortAtLeast, 2*filterOperation, next)
		operation(0, 0, int(port))
		operation(filterPortAtMost, 2*filterOperation, next-2*filterOperation)
		operation(0, 0, int(port))
		operation(filterJump, filterOperation, end-4*filterOperation)
	}
	return b
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
			s.info, s.measured = parseInfo(value)
		case attributeIPv6Only:
			s.ipv6Only = len(value) > 0 && value[0] != 0
		}
		aligned := (size + 3) &^ 3
		b = b[min(aligned, len(b)):]
	}
	return nil
}

// parseInfo reads struct tcp_info. It reports whether the kernel has the counters.
func parseInfo(b []byte) (info Info, ok bool) {
	if len(b) < infoSize {
		return Info{}, false
	}
	milliseconds := func(offset int) time.Duration {
		return time.Duration(binary.NativeEndian.Uint32(b[offset:])) * time.Millisecond
	}
	return Info{
		LastDataSent:         milliseconds(infoLastDataSent),
		LastDataReceived:     milliseconds(infoLastDataReceived),
		BytesReceived:        binary.NativeEndian.Uint64(b[infoBytesReceived:]),
		DataSegmentsReceived: binary.NativeEndian.Uint32(b[infoDataSegmentsReceived:]),
		DataSegmentsSent:     binary.NativeEndian.Uint32(b[infoDataSegmentsSent:]),
	}, true
}
