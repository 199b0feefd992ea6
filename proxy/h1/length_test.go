package h1_test

import (
	"testing"

	"lameduck/proxy/h1"
)

// contentLengths are parsed alike in requests and responses (RFC 9112 sections 6.2 and 6.3).
var contentLengths = []struct {
	name   string
	fields []string
	want   string
}{
	{"RFC 9112 s.6.2: zero", []string{"Content-Length: 0"}, noBody},
	{"RFC 9112 s.6.2: one byte", []string{"Content-Length: 1"}, length(1)},
	{"RFC 9112 s.6.2: several digits", []string{"Content-Length: 42"}, length(42)},
	{"RFC 9112 s.6.2: leading zeros are decimal", []string{"Content-Length: 0010"}, length(10)},
	{"RFC 9112 s.6.2: the largest", []string{"Content-Length: 9223372036854775807"}, length(1<<63 - 1)},
	{"RFC 9112 s.6.3 r.5: overflow by one", []string{"Content-Length: 9223372036854775808"}, refused(h1.ErrContentLength)},
	{"RFC 9112 s.6.3 r.5: overflow of 64 bits", []string{"Content-Length: 18446744073709551621"}, refused(h1.ErrContentLength)},
	{"RFC 9112 s.6.3 r.5: overflow by far", []string{"Content-Length: 99999999999999999999999999"}, refused(h1.ErrContentLength)},
	{"RFC 9112 s.6.3 r.5: empty", []string{"Content-Length:"}, refused(h1.ErrContentLength)},
	{"RFC 9112 s.6.3 r.5: white space alone", []string{"Content-Length: \t"}, refused(h1.ErrContentLength)},
	{"RFC 9112 s.6.3 r.5: plus", []string{"Content-Length: +5"}, refused(h1.ErrContentLength)},
	{"RFC 9112 s.6.3 r.5: minus", []string{"Content-Length: -5"}, refused(h1.ErrContentLength)},
	{"RFC 9112 s.6.3 r.5: minus zero", []string{"Content-Length: -0"}, refused(h1.ErrContentLength)},
	{"RFC 9112 s.6.3 r.5: hex", []string{"Content-Length: 0x5"}, refused(h1.ErrContentLength)},
	{"RFC 9112 s.6.3 r.5: a hex digit", []string{"Content-Length: a"}, refused(h1.ErrContentLength)},
	{"RFC 9112 s.6.3 r.5: underscore", []string{"Content-Length: 1_0"}, refused(h1.ErrContentLength)},
	{"RFC 9112 s.6.3 r.5: a point", []string{"Content-Length: 5.0"}, refused(h1.ErrContentLength)},
	{"RFC 9112 s.6.3 r.5: an exponent", []string{"Content-Length: 1e3"}, refused(h1.ErrContentLength)},
	{"RFC 9112 s.6.3 r.5: a space within", []string{"Content-Length: 1 0"}, refused(h1.ErrContentLength)},
	{"RFC 9112 s.6.3 r.5: a vertical tab behind", []string{"Content-Length: 5\x0b"}, refused(h1.ErrContentLength)},
	{"RFC 9112 s.6.3 r.5: a form feed in front", []string{"Content-Length:\x0c5"}, refused(h1.ErrContentLength)},
	{"RFC 9112 s.6.3 r.5: quoted", []string{`Content-Length: "5"`}, refused(h1.ErrContentLength)},
	{"RFC 9112 s.6.3 r.5: digits of another script", []string{"Content-Length: \u0665"}, refused(h1.ErrContentLength)},
	{"RFC 9112 s.6.3 r.5: a semicolon", []string{"Content-Length: 5;6"}, refused(h1.ErrContentLength)},
	{"RFC 9112 s.6.3 r.5: two lines that differ", []string{"Content-Length: 5", "Content-Length: 6"}, refused(h1.ErrContentLength)},
	{"RFC 9112 s.6.3 r.5: zero, then another", []string{"Content-Length: 0", "Content-Length: 6"}, refused(h1.ErrContentLength)},
	{"RFC 9112 s.6.3 r.5: another, then zero", []string{"Content-Length: 6", "A: b", "content-length: 0"}, refused(h1.ErrContentLength)},
	{"RFC 9112 s.6.3 r.5: a list that differs", []string{"Content-Length: 5, 6"}, refused(h1.ErrContentLength)},
	{"RFC 9112 s.6.3 r.5: a list with an empty member", []string{"Content-Length: 5,"}, refused(h1.ErrContentLength)},
	{"RFC 9112 s.6.3 r.5: a list and a line that differs", []string{"Content-Length: 5, 5", "Content-Length: 6"}, refused(h1.ErrContentLength)},
	{"RFC 9112 s.6.3 r.3: before Transfer-Encoding", []string{"Content-Length: 5", "Transfer-Encoding: chunked"}, refused(h1.ErrTwoLengths)},
	{"RFC 9112 s.6.3 r.3: behind Transfer-Encoding", []string{"Transfer-Encoding: chunked", "Content-Length: 5"}, refused(h1.ErrTwoLengths)},
	{"RFC 9112 s.6.3 r.3: zero beside Transfer-Encoding", []string{"Content-Length: 0", "Transfer-Encoding: chunked"}, refused(h1.ErrTwoLengths)},
	{"RFC 9112 s.6.3 r.3: beside identity", []string{"Content-Length: 5", "Transfer-Encoding: identity"}, refused(h1.ErrTwoLengths)},
	{"a name that only begins alike", []string{"Content-Length: 5", "Content-LengthX: 6", "Content-Lengti: 7"}, length(5)},
}

func TestContentLength(t *testing.T) {
	for _, c := range contentLengths {
		t.Run(c.name, func(t *testing.T) {
			expectRequest(t, post(c.fields...), c.want)
			expectResponse(t, answer(c.fields...), h1.Other, c.want)
		})
	}
}

// transferEncodings end a request and a response in different ways (RFC 9112 section 6.3 rule 4).
var transferEncodings = []struct {
	name              string
	fields            []string
	request, response string
}{
	{"RFC 9112 s.6.3 r.4: chunked", []string{"Transfer-Encoding: chunked"}, chunked, chunked},
	{"RFC 9112 s.7: names in any case", []string{"TRANSFER-encoding: cHuNKed"}, chunked, chunked},
	{"RFC 9112 s.6.3 r.4: tabs around it", []string{"Transfer-Encoding:\tchunked\t"}, chunked, chunked},
	{"RFC 9112 s.6.3 r.4: gzip, then chunked", []string{"Transfer-Encoding: gzip, chunked"}, chunked, chunked},
	{"RFC 9112 s.6.3 r.4: the same in two lines", []string{"Transfer-Encoding: gzip", "A: b", "Transfer-Encoding: chunked"}, chunked, chunked},
	{"RFC 9112 s.6.3 r.4: gzip alone", []string{"Transfer-Encoding: gzip"}, refused(h1.ErrTransferEncoding), untilClose},
	{"RFC 9112 s.6.3 r.4: an unknown coding", []string{"Transfer-Encoding: xchunked"}, refused(h1.ErrTransferEncoding), untilClose},
	{"RFC 9112 s.7: identity is no coding any more", []string{"Transfer-Encoding: identity"}, refused(h1.ErrTransferEncoding), untilClose},
}

func TestTransferEncoding(t *testing.T) {
	for _, c := range transferEncodings {
		t.Run(c.name, func(t *testing.T) {
			expectRequest(t, post(c.fields...), c.request)
			expectResponse(t, answer(c.fields...), h1.Other, c.response)
		})
	}
}

// disguisedEncodings are chunked to some parsers and not to others: every message with one must be
// refused.
var disguisedEncodings = []struct {
	name   string
	fields []string
	reason h1.Error
}{
	{"RFC 9112 s.6.1: chunked twice", []string{"Transfer-Encoding: chunked, chunked"}, h1.ErrTransferEncoding},
	{"RFC 9112 s.6.1: chunked twice in two lines", []string{"Transfer-Encoding: chunked", "Transfer-Encoding: chunked"}, h1.ErrTransferEncoding},
	{"RFC 9112 s.6.1: chunked is not the last", []string{"Transfer-Encoding: chunked, gzip"}, h1.ErrTransferEncoding},
	{"RFC 9112 s.6.1: chunked is not in the last line", []string{"Transfer-Encoding: chunked", "Transfer-Encoding: x"}, h1.ErrTransferEncoding},
	{"RFC 9112 s.6.1: empty", []string{"Transfer-Encoding:"}, h1.ErrTransferEncoding},
	{"RFC 9112 s.6.1: an empty line behind chunked", []string{"Transfer-Encoding: chunked", "Transfer-Encoding:"}, h1.ErrTransferEncoding},
	{"RFC 9112 s.6.1: an empty member behind chunked", []string{"Transfer-Encoding: chunked,"}, h1.ErrTransferEncoding},
	{"RFC 9112 s.6.1: an empty member before chunked", []string{"Transfer-Encoding: , chunked"}, h1.ErrTransferEncoding},
	{"RFC 9112 s.7.1: chunked with a parameter", []string{"Transfer-Encoding: chunked;q=1"}, h1.ErrTransferEncoding},
	{"RFC 9112 s.7.1: chunked with an empty parameter", []string{"Transfer-Encoding: chunked ;"}, h1.ErrTransferEncoding},
	{"RFC 9112 s.7: a vertical tab behind chunked", []string{"Transfer-Encoding: chunked\x0b"}, h1.ErrTransferEncoding},
	{"RFC 9112 s.7: a form feed before chunked", []string{"Transfer-Encoding:\x0cchunked"}, h1.ErrTransferEncoding},
	{"RFC 9112 s.7: a non-breaking space behind chunked", []string{"Transfer-Encoding: chunked\xa0"}, h1.ErrTransferEncoding},
	{"RFC 9112 s.7: chunked in quotes", []string{`Transfer-Encoding: "chunked"`}, h1.ErrTransferEncoding},
	{"RFC 9112 s.7: two words", []string{"Transfer-Encoding: x chunked"}, h1.ErrTransferEncoding},
	{"RFC 9112 s.7: semicolon for comma", []string{"Transfer-Encoding: x; chunked"}, h1.ErrTransferEncoding},
	{"RFC 9112 s.7: colon twice", []string{"Transfer-Encoding: :chunked"}, h1.ErrTransferEncoding},
	{"RFC 9112 s.5.1: a space before the colon", []string{"Transfer-Encoding : chunked"}, h1.ErrDisguise},
	{"RFC 9112 s.5.1: a tab before the colon", []string{"Transfer-Encoding\t: chunked"}, h1.ErrDisguise},
	{"RFC 9112 s.5.2: a space before the name", []string{"A: b", " Transfer-Encoding: chunked"}, h1.ErrDisguise},
	{"RFC 9112 s.5.2: chunked in a line fold", []string{"Transfer-Encoding: x,", " chunked"}, h1.ErrTransferEncoding},
	{"RFC 9112 s.2.2: a bare CR before it", []string{"A: b\rTransfer-Encoding: chunked"}, h1.ErrBareCR},
	{"RFC 9112 s.2.2: a bare CR behind it", []string{"Transfer-Encoding: chunked\rA: b"}, h1.ErrBareCR},
	{"RFC 9112 s.2.2: CR twice behind it", []string{"Transfer-Encoding: chunked\r"}, h1.ErrBareCR},
	{"RFC 9110 s.5.5: NUL behind chunked", []string{"Transfer-Encoding: chunked\x00"}, h1.ErrNUL},
	{"RFC 9110 s.5.6.2: NUL in the name", []string{"Transfer-Encoding\x00: chunked"}, h1.ErrNUL},
	{"RFC 9110 s.5.6.2: a control before the name", []string{"\x0bTransfer-Encoding: chunked"}, h1.ErrDisguise},
}

func TestDisguisedTransferEncoding(t *testing.T) {
	for _, c := range disguisedEncodings {
		t.Run(c.name, func(t *testing.T) {
			expectRequest(t, post(c.fields...), refused(c.reason))
			expectResponse(t, answer(c.fields...), h1.Other, refused(c.reason))
		})
	}
}

var requestLengths = []framingCase{
	{name: "RFC 9112 s.6.3 r.5: the same length in two lines", head: post("Content-Length: 5", "Content-Length: 5"), want: length(5)},
	{name: "RFC 9112 s.6.3 r.5: the same length in a list", head: post("Content-Length: 5, 05"), want: length(5)},
	{name: "RFC 9112 s.6.3 r.6: a length is a length for any method", head: head("GET / HTTP/1.1", "Content-Length: 5"), want: length(5)},
	{name: "RFC 9112 s.6.3 r.6: also for HEAD", head: head("HEAD / HTTP/1.1", "Content-Length: 5"), want: length(5)},
	{name: "RFC 9112 s.6.3 r.4: chunked for any method", head: head("GET / HTTP/1.1", "Transfer-Encoding: chunked"), want: chunked},
	{name: "RFC 9112 s.6.3 r.7: neither", head: post("Host: a"), want: noBody},
	{name: "RFC 9112 s.6.3 r.7: neither, to be closed", head: post("Connection: close"), want: noBody},
	{name: "RFC 9112 s.6.3 r.7: neither in HTTP/1.0", head: head("POST / HTTP/1.0"), want: noBody},
	{name: "RFC 9112 s.6.3 r.7: CONNECT", head: head("CONNECT a:443 HTTP/1.1"), want: noBody},
	{name: "RFC 9112 s.6.1: chunked in HTTP/1.0", head: head("POST / HTTP/1.0", "Transfer-Encoding: chunked"), want: refused(h1.ErrTransferEncoding)},
	{name: "RFC 9112 s.6.1: also beside a length", head: head("POST / HTTP/1.0", "Transfer-Encoding: chunked", "Content-Length: 5"), want: refused(h1.ErrTwoLengths)},
}

func TestRequestLength(t *testing.T) { testRequests(t, requestLengths) }

var responseLengths = []framingCase{
	{name: "RFC 9112 s.6.3 r.1: HEAD", method: h1.Head, head: answer("Content-Length: 5"), want: noBody},
	{name: "RFC 9112 s.6.3 r.1: HEAD, chunked", method: h1.Head, head: answer("Transfer-Encoding: chunked"), want: noBody},
	{name: "RFC 9112 s.6.3 r.1: HEAD with neither", method: h1.Head, head: answer(), want: noBody},
	{name: "RFC 9112 s.6.3 r.1: HEAD with an error", method: h1.Head, head: head("HTTP/1.1 404 ", "Content-Length: 5"), want: noBody},
	{name: "RFC 9112 s.6.3 r.1: 100", head: head("HTTP/1.1 100 Continue"), want: noBody},
	{name: "RFC 9112 s.6.3 r.1: 103 with a length", head: head("HTTP/1.1 103 Early Hints", "Content-Length: 5"), want: noBody},
	{name: "RFC 9112 s.6.3 r.1: 199, chunked", head: head("HTTP/1.1 199 ", "Transfer-Encoding: chunked"), want: noBody},
	{name: "RFC 9112 s.6.3 r.1: 100 to CONNECT", method: h1.Connect, head: head("HTTP/1.1 100 "), want: noBody},
	{name: "RFC 9112 s.6.3 r.1: 204", head: head("HTTP/1.1 204 No Content"), want: noBody},
	{name: "RFC 9112 s.6.3 r.1: 204 with a length", head: head("HTTP/1.1 204 ", "Content-Length: 5"), want: noBody},
	{name: "RFC 9112 s.6.3 r.1: 304 with a length", head: head("HTTP/1.1 304 ", "Content-Length: 5"), want: noBody},
	{name: "RFC 9112 s.6.3 r.1: 304, chunked", head: head("HTTP/1.1 304 ", "Transfer-Encoding: chunked"), want: noBody},
	{name: "RFC 9112 s.6.3 r.1: 205 is not one of them", head: head("HTTP/1.1 205 ", "Content-Length: 5"), want: length(5)},
	{name: "RFC 9110 s.15.2.2: 101", head: head("HTTP/1.1 101 ", "Upgrade: websocket"), want: tunnel},
	{name: "RFC 9110 s.15.2.2: 101 with a length", head: head("HTTP/1.1 101 ", "Content-Length: 5"), want: tunnel},
	{name: "RFC 9112 s.6.3 r.2: 200 to CONNECT", method: h1.Connect, head: answer(), want: tunnel},
	{name: "RFC 9112 s.6.3 r.2: 200 to CONNECT with a length", method: h1.Connect, head: answer("Content-Length: 5"), want: tunnel},
	{name: "RFC 9112 s.6.3 r.2: 200 to CONNECT, chunked", method: h1.Connect, head: answer("Transfer-Encoding: chunked"), want: tunnel},
	{name: "RFC 9112 s.6.3 r.2: 299 to CONNECT", method: h1.Connect, head: head("HTTP/1.1 299 "), want: tunnel},
	{name: "RFC 9112 s.6.3 r.2: 204 to CONNECT", method: h1.Connect, head: head("HTTP/1.1 204 "), want: tunnel},
	{name: "RFC 9112 s.6.3 r.6: 407 to CONNECT", method: h1.Connect, head: head("HTTP/1.1 407 ", "Content-Length: 5"), want: length(5)},
	{name: "RFC 9112 s.6.3 r.8: 300 to CONNECT", method: h1.Connect, head: head("HTTP/1.1 300 "), want: untilClose},
	{name: "RFC 9112 s.6.3 r.5: the same length in two lines", head: answer("Content-Length: 5", "Content-Length: 5"), want: length(5)},
	{name: "RFC 9112 s.6.3 r.5: the same length in a list", head: answer("Content-Length: 5, 05"), want: length(5)},
	{name: "RFC 9112 s.6.3 r.6: a length in HTTP/1.0", head: head("HTTP/1.0 200 ", "Content-Length: 5"), want: length(5)},
	{name: "RFC 9112 s.6.3 r.6: a length, to be closed", head: answer("Connection: close", "Content-Length: 5"), want: length(5)},
	{name: "RFC 9112 s.6.3 r.8: neither", head: answer("Server: a"), want: untilClose},
	{name: "RFC 9112 s.6.3 r.8: neither, to be kept alive", head: answer("Connection: keep-alive"), want: untilClose},
	{name: "RFC 9112 s.6.3 r.8: neither in HTTP/1.0", head: head("HTTP/1.0 200 "), want: untilClose},
	{name: "RFC 9112 s.6.1: chunked in HTTP/1.0", head: head("HTTP/1.0 200 ", "Transfer-Encoding: chunked"), want: refused(h1.ErrTransferEncoding)},
	{name: "RFC 9112 s.6.1: gzip in HTTP/1.0", head: head("HTTP/1.0 200 ", "Transfer-Encoding: gzip"), want: refused(h1.ErrTransferEncoding)},
	{name: "RFC 9112 s.6.3 r.3: both, to HEAD", method: h1.Head, head: answer("Transfer-Encoding: chunked", "Content-Length: 5"), want: refused(h1.ErrTwoLengths)},
	{name: "RFC 9112 s.6.3 r.5: two lengths, to HEAD", method: h1.Head, head: answer("Content-Length: 6", "Content-Length: 5"), want: refused(h1.ErrContentLength)},
}

func TestResponseLength(t *testing.T) { testResponses(t, responseLengths) }
