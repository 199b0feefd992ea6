package h1

import "bytes"

// A Method is a request method, as far as it affects where the response ends.
type Method uint8

// The methods that matter.
const (
	Other   Method = iota // every method but the two below
	Head                  // the response has no body
	Connect               // a 2xx response turns the connection into a tunnel
)

// Idempotent reports whether the method of the request at the start of b is idempotent (RFC 9110
// section 9.2.2), so that the request may be sent twice. An unknown method is not.
func Idempotent(b []byte) bool {
	switch string(b[:tokenLen(b)]) {
	case "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE":
		return true
	}
	return false
}

// A Request is the head of a request. Its slices are parts of the bytes that were parsed.
type Request struct {
	Size    int // bytes of the head, the empty line included
	Method  Method
	Upgrade bool // it has an Upgrade field: a 101 may come back
	// EventSource reports that this is a GET without a body that accepts event streams by name.
	// Its client connects again when the stream ends (HTML standard, section 9.2), and loses
	// nothing.
	EventSource bool
	// Expects reports that there is an Expect field. The client may wait for a response before it
	// sends the body (RFC 9110 section 10.1.1).
	Expects bool
	// Proxied reports that a proxy or load balancer has passed the request on: there is an
	// X-Forwarded-For, Forwarded, Via or X-Amzn-Trace-Id field. Any client can send one.
	Proxied bool

	Path      []byte // of the request target, without query; "*" and an authority stay as they are
	UserAgent []byte // or nil
	Body      Body
}

// Switches reports whether the connection may stop speaking HTTP with the response to this request.
func (r *Request) Switches() bool { return r.Upgrade || r.Method == Connect }

// ParseRequest reads the head of a request at the start of b. A Size of 0 without an error means
// that the head is incomplete.
func ParseRequest(b []byte) (Request, error) {
	line, start, ok := nextLine(b)
	if !ok {
		return Request{}, beginning(b, token[:])
	}
	method, target, v, err := parseRequestLine(line)
	if err != nil {
		return Request{}, err
	}
	var f fields
	section, err := f.parseFields(b[start:])
	if err != nil || section == 0 {
		return Request{}, err
	}
	if err := f.check(v); err != nil {
		return Request{}, err
	}
	body, err := f.requestBody()
	if err != nil {
		return Request{}, err
	}
	return Request{
		Size:        start + section,
		Method:      methodOf(method),
		Upgrade:     f.upgrade != nil,
		Path:        pathOf(target),
		UserAgent:   f.userAgent,
		EventSource: f.accepts && string(method) == "GET" && body.Done(),
		Expects:     f.expects,
		Proxied:     f.proxied,
		Body:        body,
	}, nil
}

// versionStart is true for the characters with which a status line begins.
var versionStart = [256]bool{'H': true, 'I': true}

// beginning refuses a partial start-line with an impossible first byte, so that the relay does not
// wait if the peer speaks another protocol. The byte may be the CR of an empty line.
func beginning(b []byte, first []bool) error {
	if len(b) > 0 && !first[b[0]] && b[0] != '\r' {
		return ErrStartLine
	}
	return nil
}

// parseRequestLine reads method SP request-target SP HTTP-version (RFC 9112 section 3): the first
// and the last word of the line, and the part between them. More spaces than two pass. In a line of
// more than three words, readers may differ about which one is the version.
func parseRequestLine(line []byte) (method, target []byte, v httpVersion, err error) {
	n := tokenLen(line)
	if n == 0 || n == len(line) || line[n] != ' ' {
		return nil, nil, 0, ErrStartLine
	}
	method, line = line[:n], trimSpaces(line[n:])
	last := bytes.LastIndexByte(line, ' ')
	if last < 0 {
		return nil, nil, 0, ErrStartLine
	}
	target = trimSpaces(line[:last])
	oneWord, ok := checkTarget(target)
	if !ok {
		return nil, nil, 0, ErrStartLine
	}
	if v, err = parseVersion(line[last+1:]); err != nil {
		return nil, nil, 0, err
	}
	if string(method) == "PRI" && string(line[last+1:]) == "HTTP/2.0" {
		return nil, nil, 0, ErrVersion
	}
	if !oneWord {
		v = otherVersion
	}
	return method, target, v, nil
}

// checkTarget reports whether b has no space, and whether it has no control character. Bytes
// outside ASCII pass: apps accept them in targets.
func checkTarget(b []byte) (oneWord, ok bool) {
	oneWord = true
	for _, c := range b {
		if c <= ' ' || c == 0x7f {
			if c != ' ' {
				return false, false
			}
			oneWord = false
		}
	}
	return oneWord, true
}

// trimSpaces removes the spaces from both ends.
func trimSpaces(b []byte) []byte {
	for len(b) > 0 && b[0] == ' ' {
		b = b[1:]
	}
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return b
}

// An httpVersion is the HTTP version of a message, as far as framing depends on it.
type httpVersion uint8

const (
	http10       httpVersion = iota
	http11                   // or a higher 1.x, which is read as this one (RFC 9110 section 2.5)
	otherVersion             // which readers may take for any of the two
)

// parseVersion reads HTTP-version (RFC 9112 section 2.3).
func parseVersion(b []byte) (httpVersion, error) {
	switch string(b) {
	case "HTTP/1.1":
		return http11, nil
	case "HTTP/1.0":
		return http10, nil
	}
	number, ok := bytes.CutPrefix(b, []byte("HTTP/"))
	if !ok {
		return 0, ErrStartLine
	}
	for _, c := range number {
		if !isVisible(c) {
			return 0, ErrStartLine
		}
	}
	if len(number) == 3 && number[0] == '1' && number[1] == '.' && '2' <= number[2] && number[2] <= '9' {
		return http11, nil
	}
	return otherVersion, nil
}

func methodOf(name []byte) Method {
	switch string(name) {
	case "HEAD":
		return Head
	case "CONNECT":
		return Connect
	}
	return Other
}

// pathOf cuts the scheme and authority of the absolute form and the query off a request target (RFC
// 9112 section 3.2).
func pathOf(target []byte) []byte {
	path, _, _ := bytes.Cut(target, []byte{'?'}) // first: a query may hold a URI
	_, rest, ok := bytes.Cut(path, []byte("://"))
	switch i := bytes.IndexByte(rest, '/'); {
	case !ok || path[0] == '/':
		return path
	case i < 0:
		return []byte("/")
	default:
		return rest[i:]
	}
}

// A Response is the head of a response.
type Response struct {
	Size   int // bytes of the head, the empty line included
	Status int // 100 to 999
	Body   Body
	// Handshake reports that this is a challenge to which the client answers on the same connection.
	Handshake bool
	// EventStream reports that the body is a text/event-stream without a content coding, in which
	// the ends of events can be found.
	EventStream bool

	upgrade []byte
}

// Upgrade reports whether a 101 switches to the protocol with this lower-case name.
func (r *Response) Upgrade(name string) bool { return equalFold(r.upgrade, name) }

// Interim reports whether another response to the same request follows (RFC 9110 section 15.2). A
// 101 is final for HTTP.
func (r *Response) Interim() bool { return r.Status/100 == 1 && r.Status != 101 }

// ParseResponse reads the head of a response to a request with the given method, at the start of b.
// A Size of 0 without an error means that the head is incomplete.
func ParseResponse(b []byte, method Method) (Response, error) {
	line, start, ok := nextLine(b)
	if !ok {
		return Response{}, beginning(b, versionStart[:])
	}
	status, v, err := parseStatusLine(line)
	if err != nil {
		return Response{}, err
	}
	var f fields
	section, err := f.parseFields(b[start:])
	if err != nil || section == 0 {
		return Response{}, err
	}
	if err := f.check(v); err != nil {
		return Response{}, err
	}
	return Response{
		Size:        start + section,
		Status:      status,
		Body:        f.responseBody(status, method),
		Handshake:   f.handshake && (status == 401 || status == 407),
		EventStream: f.content.events && !f.content.encoded,
		upgrade:     f.upgrade,
	}, nil
}

// parseStatusLine reads HTTP-version SP status-code [ SP reason-phrase ] (RFC 9112 section 4).
// SHOUTcast servers write ICY for the version.
func parseStatusLine(line []byte) (status int, v httpVersion, err error) {
	first, rest, ok := bytes.Cut(line, []byte{' '})
	if !ok {
		return 0, 0, ErrStartLine
	}
	if v = otherVersion; string(first) != "ICY" {
		if v, err = parseVersion(first); err != nil {
			return 0, 0, err
		}
	}
	if checkBytes(rest) != nil {
		return 0, 0, ErrStartLine
	}
	status, ok = parseStatus(bytes.TrimLeft(rest, " "))
	if !ok {
		return 0, 0, ErrStartLine
	}
	return status, v, nil
}

// parseStatus reads the three digits of a status code, which white space or nothing follows.
func parseStatus(b []byte) (status int, ok bool) {
	if len(b) < 3 || len(b) > 3 && b[3] != ' ' && b[3] != '\t' {
		return 0, false
	}
	for _, c := range b[:3] {
		if c < '0' || c > '9' {
			return 0, false
		}
		status = status*10 + int(c-'0')
	}
	return status, status >= 100
}
