package websocket

import (
	"encoding/binary"
	"fmt"
	"io"
)

// The parts of a frame's first two bytes (RFC 6455 section 5.2).
const (
	final    = 0x80
	binaries = 0x02 // opcode
	masked   = 0x80
	length16 = 126
	length64 = 127
)

// AppendHeader appends the header of a binary message of one frame, with a mask if it is from a
// client.
func AppendHeader(b []byte, length int64, client bool) []byte {
	var mask byte
	if client {
		mask = masked
	}
	b = append(b, final|binaries)
	switch {
	case length < length16:
		b = append(b, mask|byte(length))
	case length < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, mask|length16), uint16(length))
	default:
		b = binary.BigEndian.AppendUint64(append(b, mask|length64), uint64(length))
	}
	if client {
		b = append(b, 0, 0, 0, 0)
	}
	return b
}

// ReadHeader reads a header made by AppendHeader and returns the length of the payload.
func ReadHeader(r io.Reader) (length int64, err error) {
	var b [8]byte
	if _, err := io.ReadFull(r, b[:2]); err != nil {
		return 0, err
	}
	if b[0] != final|binaries {
		return 0, fmt.Errorf("frame starts with %#x, want a binary message of one frame", b[0])
	}
	isMasked := b[1]&masked != 0
	length = int64(b[1] &^ masked)
	switch length {
	case length16:
		_, err = io.ReadFull(r, b[6:])
		length = int64(binary.BigEndian.Uint16(b[6:]))
	case length64:
		_, err = io.ReadFull(r, b[:])
		length = int64(binary.BigEndian.Uint64(b[:]))
	}
	if err != nil {
		return 0, err
	}
	if !isMasked {
		return length, nil
	}
	if _, err := io.ReadFull(r, b[:4]); err != nil {
		return 0, err
	}
	if binary.BigEndian.Uint32(b[:4]) != 0 {
		return 0, fmt.Errorf("frame is masked with %x, want zeros", b[:4])
	}
	return length, nil
}
