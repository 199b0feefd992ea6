package h1_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"lameduck/proxy/h1"
)

// chunkCases are chunked bodies. Bytes after a | are not part of the message; in a refused body,
// the bytes before it are well-formed.
var chunkCases = marked([]chunkCase{
	{name: "RFC 9112 s.7.1: chunks and the last chunk", in: "4\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\n|", content: "Wikipedia"},
	{name: "RFC 9112 s.7.1: no content", in: "0\r\n\r\n|"},
	{name: "RFC 9112 s.7.1: the next message follows", in: "1\r\na\r\n0\r\n\r\n|GET / HTTP/1.1\r\n\r\n", content: "a"},
	{name: "RFC 9112 s.7.1: content that looks like an end", in: "c\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n0\r\n\r\n|", content: "\r\n0\r\n\r\n\r\n0\r\n"},
	{name: "RFC 9112 s.7.1: last chunk of several zeros", in: "000\r\n\r\n|"},
	{name: "RFC 9112 s.7.1: leading zeros", in: "00000000000000000000001\r\na\r\n0\r\n\r\n|", content: "a"},
	{name: "RFC 9112 s.7.1: lower-case hex", in: "c\r\n0123456789ab\r\n0\r\n\r\n|", content: "0123456789ab"},
	{name: "RFC 9112 s.7.1: upper-case hex", in: "C\r\n0123456789ab\r\n0\r\n\r\n|", content: "0123456789ab"},
	{name: "RFC 9112 s.7.1: two digits", in: "1A\r\n0123456789abcdef0123456789\r\n0\r\n\r\n|", content: "0123456789abcdef0123456789"},
	{name: "RFC 9112 s.7.1: the largest chunk that is read", in: "7ffffffffffffff\r\na|", more: true, content: "a"},
	{name: "RFC 9112 s.7.1: overflow of a chunk", in: "80000000000000|0\r\n", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1: overflow of 64 bits", in: "100000000000000|05\r\n", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1: no size", in: "|\r\na\r\n", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1: no size, but an extension", in: "|;a\r\n", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1: 0x in front", in: "0|x5\r\n", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1: plus", in: "|+5\r\n", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1: minus", in: "|-5\r\n", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1: minus zero", in: "|-0\r\n\r\n", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1: underscore", in: "1|_0\r\n", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1: a comma", in: "1|,0\r\n", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1: no hex digit", in: "5|g\r\n", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1: quoted", in: "|\"5\"\r\n", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1: white space before the size", in: "| 5\r\n", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1: a second word", in: "5 |5\r\n", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1: a vertical tab behind the size", in: "5|\x0b\r\n", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1: NUL behind the size", in: "5|\x00\r\n", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1: obs-text behind the size", in: "5|\xa0\r\n", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1: size ends in a lone LF", in: "5|\nabcde\r\n", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1: size ends in a bare CR", in: "5\r|abcde\r\n", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1: size ends in CR CR LF", in: "5\r|\r\nabcde\r\n", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1: the data ends in a lone LF", in: "1\r\na|\n0\r\n\r\n", content: "a", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1: the data ends in a bare CR", in: "1\r\na\r|0\r\n\r\n", content: "a", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1: more data than the size", in: "1\r\na|b\r\n0\r\n\r\n", content: "a", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1: less data than the size", in: "3\r\na\r\n|0\r\n\r\n", content: "a\r\n", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1: an empty line between chunks", in: "1\r\na\r\n|\r\n0\r\n\r\n", content: "a", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1: white space behind the size, as old servers pad it", in: "1  \r\na\r\n0 \t\r\n\r\n|", content: "a"},
	{name: "RFC 9112 s.7.1.1: a name", in: "1;n\r\na\r\n0;n\r\n\r\n|", content: "a"},
	{name: "RFC 9112 s.7.1.1: a name with a value", in: "1;n=v\r\na\r\n0\r\n\r\n|", content: "a"},
	{name: "RFC 9112 s.7.1.1: a quoted string", in: "1;n=\"v;w\\\" 5,\t\xff\"\r\na\r\n0\r\n\r\n|", content: "a"},
	{name: "RFC 9112 s.7.1.1: several", in: "1;n=v;m;o=\"p\"\r\na\r\n0\r\n\r\n|", content: "a"},
	{name: "RFC 9112 s.7.1.1: white space around them", in: "1 \t; n = v ; m\r\na\r\n0\r\n\r\n|", content: "a"},
	{name: "RFC 9112 s.7.1.1: hex digits in them are no size", in: "1;f=ff\r\na\r\n0;5\r\n\r\n|", content: "a"},
	{name: "RFC 9112 s.7.1.1: an extension ends in a lone LF", in: "5;a|\nabcde\r\n", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1.1: an extension with a bare CR", in: "5;a\r|b\r\nabcde\r\n", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1.1: a quoted string with a lone LF", in: "5;a=\"|\n\"\r\nabcde\r\n", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1.1: a chunk line ends at CRLF, also in quotes", in: "1;a=\"\r\n\"\r\n0\r\n\r\n|", content: "\""},
	{name: "RFC 9112 s.7.1.1: NUL in an extension", in: "5;|\x00\r\nabcde\r\n", err: h1.ErrChunk},
	{name: "RFC 9112 s.7.1.2: one trailer field", in: "0\r\nA: b\r\n\r\n|"},
	{name: "RFC 9112 s.7.1.2: several, one without a value", in: "1\r\na\r\n0\r\nA: b\r\nC:\r\nD:e:f \r\n\r\n|next", content: "a"},
	{name: "RFC 9112 s.7.1.2: a chunk in a trailer is none", in: "0\r\n5: 5\r\n\r\n|5\r\nabcde\r\n"},
	{name: "RFC 9112 s.7.1.2: a trailer line ends in a lone LF", in: "0\r\nA: b|\n\r\n", err: h1.ErrTrailer},
	{name: "RFC 9112 s.7.1.2: a bare CR in a trailer", in: "0\r\nA: b\r|c\r\n\r\n", err: h1.ErrTrailer},
	{name: "RFC 9112 s.7.1.2: the trailer section ends in a lone LF", in: "0\r\n|\n", err: h1.ErrTrailer},
	{name: "RFC 9112 s.7.1.2: it does so behind a field", in: "0\r\nA: b\r\n|\n", err: h1.ErrTrailer},
	{name: "RFC 9112 s.7.1.2: the trailer section ends in a bare CR", in: "0\r\n\r|X\r\n", err: h1.ErrTrailer},
	{name: "RFC 9112 s.7.1.2: NUL in a trailer", in: "0\r\nA: |\x00\r\n\r\n", err: h1.ErrTrailer},
	{name: "RFC 9112 s.5.1: a space before the colon of a trailer", in: "0\r\nA| : b\r\n\r\n", err: h1.ErrTrailer},
	{name: "RFC 9112 s.5.2: a line fold in a trailer", in: "0\r\nA: b\r\n| c\r\n\r\n", err: h1.ErrTrailer},
	{name: "RFC 9112 s.5: a trailer without a colon", in: "0\r\nGET| / HTTP/1.1\r\n\r\n", err: h1.ErrTrailer},
	{name: "RFC 9112 s.5: a trailer line of one word", in: "0\r\nGET|\r\n\r\n", err: h1.ErrTrailer},
	{name: "RFC 9112 s.5: a trailer without a name", in: "0\r\n|: b\r\n\r\n", err: h1.ErrTrailer},
	{name: "RFC 9112 s.8: cut off in a size", in: "5|", more: true},
	{name: "RFC 9112 s.8: cut off behind a size", in: "5\r|", more: true},
	{name: "RFC 9112 s.8: cut off in the data", in: "5\r\nabc|", more: true, content: "abc"},
	{name: "RFC 9112 s.8: cut off behind the data", in: "3\r\nabc|", more: true, content: "abc"},
	{name: "RFC 9112 s.8: cut off before the last chunk", in: "3\r\nabc\r\n|", more: true, content: "abc"},
	{name: "RFC 9112 s.8: cut off in the trailer section", in: "0\r\nA: b\r\n|", more: true},
	{name: "RFC 9112 s.8: cut off in the empty line", in: "0\r\n\r|", more: true},
})

type chunkCase struct {
	name, in string
	taken    int
	content  string
	more     bool // the body is incomplete
	err      error
}

// marked removes the | of every case and records its position.
func marked(cases []chunkCase) []chunkCase {
	for i, c := range cases {
		before, behind, _ := strings.Cut(c.in, "|")
		cases[i].in, cases[i].taken = before+behind, len(before)
	}
	return cases
}

func TestChunkedBody(t *testing.T) {
	for _, c := range chunkCases {
		t.Run(c.name, func(t *testing.T) {
			got := read(chunkedBody(t), []byte(c.in))
			if got.taken != c.taken || !errors.Is(got.err, c.err) || got.done != (!c.more && c.err == nil) {
				t.Errorf("%q\nwant %d bytes, %v, incomplete %t\n got %v", c.in, c.taken, c.err, c.more, got)
			}
			if got.content != c.content {
				t.Errorf("%q\nhas the content %q, want %q", c.in, got.content, c.content)
			}
		})
	}
}

// RFC 9112 section 7.1.1: a server ought to limit the total length of chunk extensions.
func TestChunkLineIsBounded(t *testing.T) {
	const most = 4<<10 - 1 // 4 KiB with its CR
	for _, line := range []string{
		"1;" + strings.Repeat("x", most-2),
		strings.Repeat("0", most-1) + "1",
		"1" + strings.Repeat(" ", most-1),
	} {
		expectExtent(t, line+"\r\na\r\n"+line+"\r\na\r\n", nil)
		expectExtent(t, line+line[len(line)-1:]+"\r\na\r\n", h1.ErrChunk)
	}
}

// The limit applies to each chunk line, not to all together.
func TestManyChunkLines(t *testing.T) {
	expectExtent(t, strings.Repeat("1;"+strings.Repeat("x", 1000)+"\r\na\r\n", 100), nil)
}

// RFC 9112 section 7.1.2: the trailer section has fields, so the limit of a head applies to all its
// lines together.
func TestTrailerSectionIsBounded(t *testing.T) {
	const field = "A: 456789abcde\r\n" // 16 bytes
	most := "0\r\n" + strings.Repeat(field, h1.MaxHead/len(field)-1)
	expectExtent(t, most+"\r\n", nil)
	expectExtent(t, most+field, nil)
	expectExtent(t, most+field+"\r\n", h1.ErrTrailer)
	expectExtent(t, "0\r\nA:"+strings.Repeat(" ", h1.MaxHead), h1.ErrTrailer)
	expectExtent(t, "0\r\n"+strings.Repeat("A", h1.MaxHead+1), h1.ErrTrailer)
}

// RFC 9112 section 7.1: a chunk begins with chunk-size, which consists of hex digits.
func TestEveryByteAsChunkSize(t *testing.T) {
	const digits = "0123456789abcdefABCDEF"
	for c := range 256 {
		b := chunkedBody(t)
		_, err := b.Scan([]byte{byte(c), '\r', '\n'})
		value, _ := strconv.ParseInt(string([]byte{byte(c)}), 16, 64)
		if isDigit := strings.IndexByte(digits, byte(c)) >= 0; isDigit != (err == nil) {
			t.Errorf("chunk-size %q: %v", byte(c), err)
		}
		if err == nil && b.Opaque() != value {
			t.Errorf("chunk-size %q was read as %d", byte(c), b.Opaque())
		}
	}
}

func expectExtent(t *testing.T, in string, want error) {
	t.Helper()
	b := chunkedBody(t)
	n, err := b.Scan([]byte(in))
	if !errors.Is(err, want) || (err == nil) != (n == len(in)) {
		t.Errorf("chunked body of %d bytes: %d well-formed, %v; want %v", len(in), n, err, want)
	}
}
