package h1

import "math"

// applyLength reads one Content-Length field line. The same number twice, in two lines or in one
// list, is one number (RFC 9112 section 6.3, rule 5). Anything else is refused.
func (f *fields) applyLength(value []byte) error {
	for rest := value; ; {
		var member []byte
		member, rest = nextMember(rest)
		n, ok := parseDecimal(member)
		if !ok || (f.length >= 0 && f.length != n) {
			return ErrContentLength
		}
		f.length = n
		if rest == nil {
			return nil
		}
	}
}

// parseDecimal reads 1*DIGIT that fits an int64.
func parseDecimal(b []byte) (int64, bool) {
	if len(b) == 0 {
		return 0, false
	}
	var n int64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		d := int64(c - '0')
		if n > (math.MaxInt64-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, true
}

// applyCoding reads one Transfer-Encoding field line. Chunked has to be the last coding of all
// lines, and to appear once.
func (f *fields) applyCoding(value []byte) error {
	f.coding = true
	for rest := value; rest != nil; {
		var member []byte
		member, rest = nextMember(rest)
		if len(member) == 0 {
			// An empty member is no coding, but "chunked," must not hide the chunked before it.
			return ErrTransferEncoding
		}
		if f.chunked || tokenLen(member) < len(member) {
			return ErrTransferEncoding
		}
		f.chunked = equalFold(member, "chunked")
	}
	return nil
}

// check refuses what is invalid in requests and in responses (RFC 9112 sections 6.1 and 6.3).
func (f *fields) check(v httpVersion) error {
	switch {
	case f.coding && f.length >= 0:
		return ErrTwoLengths
	case f.coding && v != http11:
		return ErrTransferEncoding
	}
	return nil
}

// requestBody returns the body of a request (RFC 9112 section 6.3, rules 4, 6 and 7).
func (f *fields) requestBody() (Body, error) {
	switch {
	case f.chunked:
		return Body{kind: Chunked}, nil
	case f.coding:
		return Body{}, ErrTransferEncoding
	case f.length > 0:
		return Body{kind: Fixed, left: f.length}, nil
	}
	return Body{}, nil
}

// responseBody returns the body of a response (RFC 9112 section 6.3, rules 1, 2, 4, 6 and 8).
func (f *fields) responseBody(status int, method Method) Body {
	switch {
	case status == 101, method == Connect && status/100 == 2:
		return Body{kind: Tunnel}
	case status/100 == 1, status == 204, status == 304, method == Head:
		return Body{}
	case f.chunked:
		return Body{kind: Chunked}
	case f.coding, f.length < 0:
		return Body{kind: UntilClose}
	case f.length > 0:
		return Body{kind: Fixed, left: f.length}
	}
	return Body{}
}
