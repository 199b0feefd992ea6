package h1

import "math"

// A Kind is how a body ends (RFC 9112 section 6.3).
type Kind uint8

// The kinds of body.
const (
	None       Kind = iota // the message ends with its head
	Fixed                  // after Content-Length bytes
	Chunked                // with the last chunk and the trailer section
	UntilClose             // with the connection; responses only
	Tunnel                 // with the connection, and it is not HTTP any more, in neither direction
)

// A Body follows the bytes of the body of one message. The zero value is an empty body.
type Body struct {
	kind  Kind
	state chunkState
	line  int32 // bytes so far of the chunk line or of the trailer section
	left  int64 // bytes that are certainly content: of the body if Fixed, of the chunk if Chunked
}

// Kind returns how the body ends.
func (b *Body) Kind() Kind { return b.kind }

// Done reports whether the message is complete. UntilClose and Tunnel are never done: they end with
// the connection.
func (b *Body) Done() bool {
	switch b.kind {
	case Fixed:
		return b.left == 0
	case Chunked:
		return b.state == chunkDone
	case UntilClose, Tunnel:
		return false
	}
	return true
}

// Opaque returns how many of the next bytes are certainly content, and need no scan.
func (b *Body) Opaque() int64 {
	switch {
	case b.kind == UntilClose || b.kind == Tunnel:
		return math.MaxInt64
	case b.kind == Chunked && b.state != chunkData:
		return 0 // left is a chunk-size that is still being read, and framing comes next
	}
	return b.left
}

// Skip accounts for n bytes, at most Opaque, that were relayed without a scan.
func (b *Body) Skip(n int64) {
	if b.kind == Fixed || b.kind == Chunked {
		b.left -= n
	}
}

// Scan returns how many bytes of p still belong to the message. Only the chunked coding can be
// invalid; then the first n bytes of p were well-formed.
func (b *Body) Scan(p []byte) (n int, err error) {
	switch b.kind {
	case Fixed:
		n = int(min(b.left, int64(len(p))))
		b.left -= int64(n)
		return n, nil
	case Chunked:
		return b.scanChunks(p)
	case UntilClose, Tunnel:
		return len(p), nil
	}
	return 0, nil
}

// Between reports whether the body is between two chunks, so that it could end here.
func (b *Body) Between() bool {
	return b.kind == UntilClose || b.kind == Chunked && b.state == chunkStart && b.line == 0
}

// FixedBody returns a body of n bytes.
func FixedBody(n int64) Body { return Body{kind: Fixed, left: n} }

// TunnelBody returns the body of a connection that has become a tunnel.
func TunnelBody() Body { return Body{kind: Tunnel} }
