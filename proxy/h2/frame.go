package h2

import "encoding/binary"

// Preface is what a client sends first (RFC 9113 section 3.4). A SETTINGS frame follows it.
const Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// HeaderSize is the number of bytes in front of every frame's payload (RFC 9113 section 4.1).
const HeaderSize = 9

// A Type is the type of a frame (RFC 9113 section 6).
type Type uint8

// The types that matter.
const (
	Data         Type = 0x0
	Headers      Type = 0x1
	RSTStream    Type = 0x3
	Settings     Type = 0x4
	PushPromise  Type = 0x5
	Ping         Type = 0x6
	GoAway       Type = 0x7
	Continuation Type = 0x9
)

// Flags of frames. What a bit means depends on the type.
const (
	flagEndStream  = 0x1 // Data, Headers
	flagAck        = 0x1 // Ping, Settings
	flagEndHeaders = 0x4 // Headers, PushPromise, Continuation
	flagPadded     = 0x8 // Data, Headers, PushPromise
)

// MaxStream is the highest stream identifier. A GOAWAY with it refuses no stream (RFC 9113 section
// 6.8).
const MaxStream = 1<<31 - 1

// The sizes of a PING, and of a GOAWAY without debug data, header included.
const (
	PingSize   = HeaderSize + 8
	GoAwaySize = HeaderSize + 8
)

// A Header stands in front of a frame's payload.
type Header struct {
	Length int // bytes of the payload, at most 1<<24 - 1
	Type   Type
	Flags  uint8
	Stream uint32 // 0 for the connection as a whole
}

// ParseHeader reads the header at the start of b. It returns false if the header is incomplete.
func ParseHeader(b []byte) (h Header, ok bool) {
	if len(b) < HeaderSize {
		return Header{}, false
	}
	return Header{
		Length: int(b[0])<<16 | int(b[1])<<8 | int(b[2]),
		Type:   Type(b[3]),
		Flags:  b[4],
		Stream: binary.BigEndian.Uint32(b[5:]) & MaxStream,
	}, true
}

// EndStream reports whether the sender's side of the stream ends with the frame.
func (h Header) EndStream() bool {
	return (h.Type == Data || h.Type == Headers) && h.Flags&flagEndStream != 0
}

// OpensBlock reports whether only CONTINUATION frames may follow the frame (RFC 9113 section 4.3).
func (h Header) OpensBlock() bool {
	switch h.Type {
	case Headers, PushPromise, Continuation:
		return h.Flags&flagEndHeaders == 0
	}
	return false
}

// BeginsSettings reports whether b is the beginning of what an HTTP/2 server sends first: a
// SETTINGS frame without ACK (RFC 9113 section 3.4), with less than 64 KiB of settings. whole
// reports whether its header is complete.
func BeginsSettings(b []byte) (yes, whole bool) {
	const settings = "\x00\xff\xff\x04\x00\x00\x00\x00\x00" // \xff stands for anything
	for i, c := range b[:min(len(b), HeaderSize)] {
		if want := settings[i]; want != 0xff && c != want {
			return false, false
		}
	}
	return true, len(b) >= HeaderSize
}

// PromiseSize returns the size of the part of a PUSH_PROMISE frame, header included, that ends with
// the promised stream.
func (h Header) PromiseSize() int {
	return min(h.promiseEnd(), HeaderSize+h.Length)
}

func (h Header) promiseEnd() int {
	if h.Flags&flagPadded != 0 {
		return HeaderSize + 5 // the length of the padding comes first
	}
	return HeaderSize + 4
}

// PingAck reports whether the frame answers a PING.
func (h Header) PingAck() bool { return h.Type == Ping && h.Flags&flagAck != 0 && h.Length == 8 }

// AppendSettings appends a SETTINGS frame that changes nothing.
func AppendSettings(b []byte) []byte { return appendHeader(b, Header{Type: Settings}) }

// AppendPing appends a PING frame.
func AppendPing(b []byte, data [8]byte) []byte {
	b = appendHeader(b, Header{Length: 8, Type: Ping})
	return append(b, data[:]...)
}

// AppendGoAway appends a GOAWAY frame with the code NO_ERROR and without debug data.
func AppendGoAway(b []byte, last uint32) []byte {
	b = appendHeader(b, Header{Length: 8, Type: GoAway})
	b = binary.BigEndian.AppendUint32(b, last)
	return append(b, 0, 0, 0, 0)
}

// LastStream returns the last stream identifier of the GOAWAY frame at the start of b, which holds
// at least GoAwaySize bytes.
func LastStream(b []byte) uint32 { return binary.BigEndian.Uint32(b[HeaderSize:]) & MaxStream }

// SetLastStream replaces the last stream identifier of the GOAWAY frame at the start of b.
func SetLastStream(b []byte, last uint32) { binary.BigEndian.PutUint32(b[HeaderSize:], last) }

// PromisedStream returns the stream that the PUSH_PROMISE frame at the start of b promises, or 0 if
// the frame is too short for one. b holds at least PromiseSize bytes.
func PromisedStream(b []byte) uint32 {
	h, _ := ParseHeader(b)
	end := h.promiseEnd()
	if end > h.PromiseSize() {
		return 0
	}
	return binary.BigEndian.Uint32(b[end-4:]) & MaxStream
}

func appendHeader(b []byte, h Header) []byte {
	b = append(b, byte(h.Length>>16), byte(h.Length>>8), byte(h.Length), byte(h.Type), h.Flags)
	return binary.BigEndian.AppendUint32(b, h.Stream)
}
