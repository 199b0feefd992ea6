package h2

import "golang.org/x/net/http2/hpack"

// maxTable bounds the dynamic table of a client whose app allows a larger one than the default.
const maxTable = 1 << 16

// A RequestReader reads all requests of a connection. In contrast to FirstRequest it keeps a
// dynamic table, which takes some kilobytes.
type RequestReader struct {
	decoder *hpack.Decoder
	request Request
}

// NewRequestReader returns a reader for a connection that has sent no request.
func NewRequestReader() *RequestReader {
	r := new(RequestReader)
	r.decoder = hpack.NewDecoder(4096, r.field)
	r.decoder.SetAllowedMaxDynamicTableSize(maxTable)
	r.decoder.SetMaxStringLength(maxTable)
	return r
}

// Read reads the HEADERS frame at the start of b, as FirstRequest does. After a request that it
// could not read, it can read no other.
func (r *RequestReader) Read(b []byte) Request {
	block, ok := fieldBlock(b)
	if !ok {
		return Request{}
	}
	r.request = Request{Known: true}
	if _, err := r.decoder.Write(block); err != nil {
		return Request{}
	}
	if r.decoder.Close() != nil {
		return Request{}
	}
	return r.request
}

func (r *RequestReader) field(f hpack.HeaderField) {
	value := f.Value
	if len(value) > maxValue {
		value = ""
	}
	switch names[0][f.Name] {
	case path:
		r.request.Path = value
	case userAgent:
		r.request.UserAgent = value
	case addedByProxy:
		r.request.Proxied = true
	}
}
