package pp

import (
	"bytes"
	"encoding/binary"
)

// maxV1 bounds a header of version 1, including the line end. The longest one has 107 bytes
// (section 2.1).
const maxV1 = 107

// v2Head is the size of the fixed part of a header of version 2, which ends with the length of the
// rest (section 2.2).
const v2Head = 16

var (
	v1Start     = []byte("PROXY ")
	v2Signature = []byte("\r\n\r\n\x00\r\nQUIT\n")
)

// Size returns the size of the header at the start of b, which may be more than b holds, or 0 if
// there is no header. It returns false if more bytes are needed.
func Size(b []byte) (size int, ok bool) {
	switch {
	case begins(b, v1Start):
		return sizeV1(b)
	case begins(b, v2Signature):
		return sizeV2(b)
	}
	return 0, true
}

// begins reports whether b is a prefix of start, or start one of b.
func begins(b, start []byte) bool {
	n := min(len(b), len(start))
	return bytes.Equal(b[:n], start[:n])
}

func sizeV1(b []byte) (int, bool) {
	if i := bytes.Index(b[:min(len(b), maxV1)], []byte("\r\n")); i >= 0 {
		return i + 2, true
	}
	return 0, len(b) >= maxV1
}

func sizeV2(b []byte) (int, bool) {
	if len(b) < v2Head {
		return 0, false
	}
	if b[12]>>4 != 2 {
		return 0, true
	}
	return v2Head + int(binary.BigEndian.Uint16(b[14:])), true
}
