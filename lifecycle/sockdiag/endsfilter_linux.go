package sockdiag

import "golang.org/x/net/bpf"

// The offsets of members of struct inet_diag_msg, behind the header of the message. Ports and
// addresses are in network byte order.
const (
	familyOffset    = headerSize
	localPortOffset = headerSize + 4
	remoteOffset    = headerSize + 24 // 16 bytes, of which an IPv4 address takes the first four
)

// What a filter returns: how many bytes of a message are received.
const (
	none  = 0
	whole = 1 << 20
)

// endsFilter returns the program that drops messages in the kernel: those of other local ports, and
// of the ports in remote those of clients on the loopback interface. Without it they would fill the
// buffer. With more than [MaxPorts] it drops nothing.
func endsFilter(ports, remote []uint16) []bpf.Instruction {
	if len(ports)+len(remote) > MaxPorts {
		return []bpf.Instruction{bpf.RetConstant{Val: whole}}
	}
	program := []bpf.Instruction{bpf.LoadAbsolute{Off: localPortOffset, Size: 2}}
	for i, port := range ports { // to what accepts, behind all comparisons and what drops
		program = append(program, skipIf(uint32(port), len(ports)+len(remote)-i))
	}
	for i, port := range remote { // to what compares the address, behind what accepts
		program = append(program, skipIf(uint32(port), len(remote)-i+1))
	}
	program = append(program, bpf.RetConstant{Val: none}, bpf.RetConstant{Val: whole})
	return append(program, dropLoopback...)
}

// dropLoopback drops what comes from 127.0.0.1, from the same address in IPv6 or from ::1.
var dropLoopback = []bpf.Instruction{
	bpf.LoadAbsolute{Off: familyOffset, Size: 1},
	skipUnless(familyIPv4, 2),
	bpf.LoadAbsolute{Off: remoteOffset, Size: 4},
	bpf.Jump{Skip: 8}, // to the last word

	bpf.LoadAbsolute{Off: remoteOffset, Size: 4},
	skipUnless(0, 8), // to what accepts
	bpf.LoadAbsolute{Off: remoteOffset + 4, Size: 4},
	skipUnless(0, 6),
	bpf.LoadAbsolute{Off: remoteOffset + 8, Size: 4},
	skipIf(0, 1),
	skipUnless(0xffff, 3),
	bpf.LoadAbsolute{Off: remoteOffset + 12, Size: 4},

	skipIf(1, 2), // to what drops
	skipIf(127<<24|1, 1),
	bpf.RetConstant{Val: whole},
	bpf.RetConstant{Val: none},
}

// skipIf skips instructions if what has been loaded is value.
func skipIf(value uint32, skip int) bpf.Instruction {
	return bpf.JumpIf{Cond: bpf.JumpEqual, Val: value, SkipTrue: uint8(skip)}
}

// skipUnless skips instructions if what has been loaded is not value.
func skipUnless(value uint32, skip int) bpf.Instruction {
	return bpf.JumpIf{Cond: bpf.JumpEqual, Val: value, SkipFalse: uint8(skip)}
}
