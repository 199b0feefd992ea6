package h2

import "golang.org/x/net/http2/hpack"

// A Request is what the field block of a request reveals. The zero value means that nothing is
// known.
type Request struct {
	Known   bool // the whole block has been read
	Proxied bool // there is a field that proxies add, as in [lameduck/proxy/h1.Request]

	Path, UserAgent string // empty if they are unknown or longer than maxValue
}

// maxValue bounds the values that are decoded.
const maxValue = 1 << 10

// flagPriority means that a priority precedes the field block.
const flagPriority = 0x20

// FirstRequest reads the HEADERS frame at the start of b, the first one of its connection. Only the
// first field block can be read by itself: the meaning of a later one depends on all before it (RFC
// 7541 section 2.2). It returns the zero Request if b does not hold the whole frame, or if another
// frame continues the block.
func FirstRequest(b []byte) Request {
	block, ok := fieldBlock(b)
	if !ok {
		return Request{}
	}
	r := blockReader{rest: block}
	for len(r.rest) > 0 && !r.failed {
		r.field()
	}
	if r.failed {
		return Request{}
	}
	r.request.Known = true
	return r.request
}

// fieldBlock returns the field block of the HEADERS frame at the start of b. It reports false if it
// is not all there.
func fieldBlock(b []byte) (block []byte, ok bool) {
	h, _ := ParseHeader(b)
	if h.OpensBlock() || len(b) < HeaderSize+h.Length {
		return nil, false
	}
	block = b[HeaderSize : HeaderSize+h.Length]
	if h.Flags&flagPadded != 0 {
		if len(block) == 0 || len(block) <= int(block[0]) {
			return nil, false
		}
		block = block[1 : len(block)-int(block[0])]
	}
	if h.Flags&flagPriority != 0 {
		if len(block) < 5 {
			return nil, false
		}
		block = block[5:]
	}
	return block, true
}

// A blockReader reads a field block whose dynamic table is empty at its start.
type blockReader struct {
	rest    []byte
	failed  bool // the block is malformed
	request Request
}

// Indices of the static table (RFC 7541 appendix A).
const (
	staticPathRoot  = 4 // :path /
	staticPathIndex = 5 // :path /index.html
	staticUserAgent = 58
	staticVia       = 60
)

// field reads one representation of a field (RFC 7541 section 6).
func (r *blockReader) field() {
	switch b := r.rest[0]; {
	case b&0x80 != 0: // an indexed field. One of the dynamic table has been read when it was added
		switch r.integer(7) {
		case staticPathRoot:
			r.request.Path = "/"
		case staticPathIndex:
			r.request.Path = "/index.html"
		case staticVia:
			r.request.Proxied = true
		}
	case b&0x40 != 0: // a literal field with incremental indexing
		r.literal(6)
	case b&0x20 != 0: // a size update of the dynamic table
		r.integer(5)
	default: // a literal field without indexing, or never indexed
		r.literal(4)
	}
}

// literal reads a field whose name may be indexed and whose value is not (RFC 7541 section 6.2).
func (r *blockReader) literal(prefix int) {
	var name fieldName
	switch r.integer(prefix) {
	case 0:
		name = nameOf(r.string())
	case staticPathRoot, staticPathIndex:
		name = path
	case staticUserAgent:
		name = userAgent
	case staticVia:
		name = addedByProxy
	}
	value := r.string()
	switch {
	case r.failed:
	case name == path:
		r.request.Path = value.decode()
	case name == userAgent:
		r.request.UserAgent = value.decode()
	case name == addedByProxy:
		r.request.Proxied = true
	}
}

// integer reads an integer (RFC 7541 section 5.1).
func (r *blockReader) integer(prefix int) int {
	if r.failed || len(r.rest) == 0 {
		r.failed = true
		return 0
	}
	most := 1<<prefix - 1
	n := int(r.rest[0]) & most
	r.rest = r.rest[1:]
	if n < most {
		return n
	}
	for shift := 0; shift <= 21 && len(r.rest) > 0; shift += 7 { // no block is longer than 2^24
		b := r.rest[0]
		r.rest = r.rest[1:]
		n += int(b&0x7f) << shift
		if b&0x80 == 0 {
			return n
		}
	}
	r.failed = true
	return 0
}

// A literal is a string as it is transferred.
type literal struct {
	bytes   []byte
	huffman bool
}

// string reads a string (RFC 7541 section 5.2).
func (r *blockReader) string() literal {
	huffman := len(r.rest) > 0 && r.rest[0]&0x80 != 0
	n := r.integer(7)
	if r.failed || n > len(r.rest) {
		r.failed = true
		return literal{}
	}
	l := literal{r.rest[:n], huffman}
	r.rest = r.rest[n:]
	return l
}

// decode returns the string, or an empty one if it is malformed or too long.
func (l literal) decode() string {
	switch {
	case len(l.bytes) > maxValue:
		return ""
	case !l.huffman:
		return string(l.bytes)
	}
	s, err := hpack.HuffmanDecodeToString(l.bytes)
	if err != nil {
		return ""
	}
	return s
}

// A fieldName is a name that matters.
type fieldName uint8

const (
	otherName fieldName = iota
	path
	userAgent
	addedByProxy
)

// names are those that matter, by their two transferred forms. A string has only one Huffman code.
var names = func() (all [2]map[string]fieldName) {
	all[0] = map[string]fieldName{
		":path": path, "user-agent": userAgent, "via": addedByProxy, "forwarded": addedByProxy,
		"x-forwarded-for": addedByProxy, "x-amzn-trace-id": addedByProxy,
	}
	all[1] = make(map[string]fieldName)
	for name, is := range all[0] {
		all[1][string(hpack.AppendHuffmanString(nil, name))] = is
	}
	return all
}()

func nameOf(l literal) fieldName {
	if l.huffman {
		return names[1][string(l.bytes)]
	}
	return names[0][string(l.bytes)]
}
