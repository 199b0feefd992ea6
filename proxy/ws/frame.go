package ws

import (
	"encoding/binary"
	"errors"
)

// An Opcode is the type of a frame (RFC 6455 section 5.2). From 8 on it is a control frame.
type Opcode uint8

// The opcodes that matter.
const (
	Continuation Opcode = 0x0
	Close        Opcode = 0x8
)

// GoingAway is the status code of a server that shuts down (RFC 6455 section 7.4.1).
const GoingAway = 1001

// ErrLength reports an invalid length: of more than 63 bits, or of more than 125 bytes in a control
// frame (RFC 6455 sections 5.2 and 5.5).
var ErrLength = errors.New("websocket: impossible frame length")

// A Header is the head of one frame.
type Header struct {
	Size   int   // bytes of the header itself, or 0 if it is incomplete
	Length int64 // bytes of the payload
	Opcode Opcode
	Fin    bool // it is the last frame of its message
}

// Control reports whether the frame is a control frame, which may stand between the frames of a
// message (RFC 6455 section 5.5).
func (h Header) Control() bool { return h.Opcode >= Close }

// ParseHeader reads the header at the start of b. Its Size is 0 if the header is incomplete.
func ParseHeader(b []byte) (Header, error) {
	if len(b) < 2 {
		return Header{}, nil
	}
	h := Header{Size: 2, Length: int64(b[1] & 0x7f), Opcode: Opcode(b[0] & 0x0f), Fin: b[0]&0x80 != 0}
	extended := 0
	switch h.Length {
	case 126:
		extended = 2
	case 127:
		extended = 8
	}
	if extended > 0 && h.Control() {
		return Header{}, ErrLength
	}
	h.Size += extended
	if b[1]&0x80 != 0 {
		h.Size += 4 // the masking key
	}
	if len(b) < h.Size {
		return Header{}, nil
	}
	switch extended {
	case 2:
		h.Length = int64(binary.BigEndian.Uint16(b[2:]))
	case 8:
		h.Length = int64(binary.BigEndian.Uint64(b[2:]))
	}
	if h.Length < 0 {
		return Header{}, ErrLength
	}
	return h, nil
}

// Messages follows the messages of one direction by the headers of their frames. The zero value is
// before the first message.
type Messages struct{ open bool }

// Next records the header of the next frame.
func (m *Messages) Next(h Header) {
	if !h.Control() {
		m.open = !h.Fin
	}
}

// Between reports whether the last frame was the end of a message, or there has been none.
func (m *Messages) Between() bool { return !m.open }

// AppendClose appends a close frame with a status code and no reason, as a server sends it.
func AppendClose(b []byte, code uint16) []byte {
	b = append(b, 0x80|byte(Close), 2)
	return binary.BigEndian.AppendUint16(b, code)
}

// AppendMaskedClose appends a close frame as a client sends it, masked with an unpredictable key
// (RFC 6455 section 5.3).
func AppendMaskedClose(b []byte, code uint16, key [4]byte) []byte {
	b = append(b, 0x80|byte(Close), 0x80|2)
	b = append(b, key[:]...)
	return append(b, byte(code>>8)^key[0], byte(code)^key[1])
}
