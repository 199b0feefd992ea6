package h1_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"lameduck/proxy/h1"
)

// oddLines are not field lines by the grammar, and cannot be mistaken for one of the two fields
// that define the end of the message.
var oddLines = []string{
	"Secured by X : y",
	"A b",
	"HTTP 1/1 302",
	": b",
	":",
	"::",
	"=?",
	"X-\xe9t\xe9: 1",     // Latin-1
	"X-\u00e9t\u00e9: 1", // UTF-8
	"\u0417\u0430\u0433\u043e\u043b\u043e\u0432\u043e\u043a: 1", // another script
	"A(b)[c]: d",
	"Host : x",
	"Host\t: x",
	"\x0bHost: x",
	"X\x01Y: z",
	"{\"json\": 1}",
	"Content Type: a/b",
	"Length : 5",
	"Contents Length: 5",
	"Encoding Transfer: chunked",
	"X y: Content-Length: 5",
	"Access-Control-Expose-Headers : Content-Length, Transfer-Encoding",
	"Connection : close",
}

func TestOddLinesPass(t *testing.T) {
	for _, line := range oddLines {
		for _, end := range []string{"\r\n", "\n"} {
			for _, section := range []string{
				line + end + "Content-Length: 3" + end + end,
				"A: b" + end + "Content-Length: 3" + end + line + end + line + end + end,
			} {
				expectRequest(t, "POST / HTTP/1.1\r\n"+section, length(3))
				expectResponse(t, "HTTP/1.1 200 OK\r\n"+section, h1.Other, length(3))
			}
		}
	}
}

// disguises are lines that some parser could take for Content-Length or Transfer-Encoding.
var disguises = []string{
	"Content-Length : 5",
	"Content-Length\t: 5",
	"Content-Length\x0b: 5",
	"Content-Length\xa0: 5",
	"Content-Length\u00a0: 5",
	"\ufeffContent-Length: 5",
	"\x0cTransfer-Encoding: chunked",
	"Transfer-Encoding\x85: chunked",
	"Transfer-Encoding\x1f: chunked",
	"Transfer-Encoding \x0b\t: chunked",
	"Transfer-Encoding",
	"Transfer-Encoding chunked",
	"Transfer-Encoding=chunked",
	"TRANSFER-ENCODING ; chunked",
	"Transfer Encoding: chunked",
	"Transfer-\x7fEncoding: chunked",
	"(Transfer-Encoding): chunked",
	"\"Content-Length\": 5",
	"x Content-Length: 5",
	"Content-Length x: 5",
	"Tr\u00e4nsfer-Encoding: chunked",
	"Tran\u017ffer-Encoding: chunked", // a long s
	"Transfer-Encod\u0131ng: chunked", // an i without its dot
	"\uff23ontent-Length: 5",          // a wide C
	"Content\u2010Length: 5",          // another hyphen
	"C\xf6nt\xe9nt-L\xeangth: 5",      // three letters replaced
}

func TestDisguisedFramingIsRefused(t *testing.T) {
	for _, line := range disguises {
		for _, section := range []string{line + "\r\n\r\n", "A: b\n" + line + "\n\n"} {
			expectRequest(t, "POST / HTTP/1.1\r\n"+section, refused(h1.ErrDisguise))
			expectResponse(t, "HTTP/1.1 200 OK\r\n"+section, h1.Other, refused(h1.ErrDisguise))
		}
	}
}

// If any byte is inserted into the name of one of the two fields, or replaces one of its
// letters, the line is refused, or it is another field by the grammar.
func TestEveryByteInAFramingName(t *testing.T) {
	const tokens = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for _, name := range []string{"Content-Length", "Transfer-Encoding"} {
		for c := range 256 {
			if strings.IndexByte(tokens, byte(c)) >= 0 || c == ':' || c == '\n' {
				continue // an ordinary name, or another line
			}
			for i := range len(name) + 1 {
				expectNoDisguise(t, name[:i]+string([]byte{byte(c)})+name[i:])
				if i < len(name) && c >= 0x80 {
					expectNoDisguise(t, name[:i]+string([]byte{byte(c)})+name[i+1:])
				}
			}
		}
	}
}

func expectNoDisguise(t *testing.T, name string) {
	t.Helper()
	r, err := h1.ParseRequest([]byte(post("A: b", name+": 5", "C: d")))
	if err == nil {
		t.Errorf("a request with the field name %q was accepted, %d bytes", name, r.Size)
	}
}

// RFC 9112 section 5.2: some parsers join folded lines to one field.
func TestLineFolds(t *testing.T) {
	for _, c := range []struct{ name, fields, want string }{
		{"pass", "Content-Security-Policy: a;\r\n  b\r\n\tc", length(3)},
		{"pass behind an empty value", "A:\r\n b", length(3)},
		{"pass with a colon", "A: b\r\n c: d", length(3)},
		{"are refused in front of the first field", " A: b", refused(h1.ErrFold)},
		{"are refused behind Content-Length", "Content-Length: 3\r\n 4", refused(h1.ErrFold)},
		{"are refused behind an empty Transfer-Encoding", "A: b\r\nTransfer-Encoding: gzip\r\n , chunked", refused(h1.ErrFold)},
		{"are refused behind two of them", "A: b\r\n c\r\nTransfer-Encoding: chunked\r\n\tx", refused(h1.ErrFold)},
		{"are refused behind what is no field", "A: b\r\nContent-\r\n Length: 5", refused(h1.ErrFold)},
		{"are refused behind an odd name", "A: b\r\nA b: c\r\n d", refused(h1.ErrFold)},
		{"are refused that look like Content-Length", "A: b\r\n Content-Length: 5", refused(h1.ErrDisguise)},
		{"are refused that look like Transfer-Encoding", "A: b\r\n c\r\n\tTransfer-Encoding : chunked", refused(h1.ErrDisguise)},
		{"are refused of white space alone", "A: b\r\n \t \r\nC: d", refused(h1.ErrBlankLine)},
		{"are refused of what others strip", "A: b\r\n \x0b\x0c\xa0\r\nC: d", refused(h1.ErrBlankLine)},
		{"are refused with a bare CR", "A: b\r\n c\rd", refused(h1.ErrBareCR)},
		{"are refused with NUL", "A: b\r\n c\x00d", refused(h1.ErrNUL)},
	} {
		t.Run(c.name, func(t *testing.T) {
			section := c.fields + "\r\nContent-Length: 3\r\n\r\n"
			expectRequest(t, "POST / HTTP/1.1\r\n"+section, c.want)
			expectResponse(t, "HTTP/1.1 200 OK\r\n"+section, h1.Other, c.want)
		})
	}
}

// Other fields are recognized even if their lines are odd: an app may recognize them too.
func TestOddLinesAreRead(t *testing.T) {
	r := mustRequest(t, post("Upgrade : x", "Expect\t: 100-continue", "\x0bUser-Agent: a b"))
	if !r.Upgrade || !r.Expects || string(r.UserAgent) != "a b" {
		t.Errorf("upgrade %t, expects %t, user agent %q", r.Upgrade, r.Expects, r.UserAgent)
	}
}

// A lenientReader is a way in which other programs parse a head.
type lenientReader struct {
	name string
	// read returns the name of a field that is not a token.
	read func(name string) string
	// fold returns the lines without the folded ones.
	fold func(lines []string) []string
}

var lenientReaders = []lenientReader{
	{"strips white space and controls", func(s string) string { return strings.TrimFunc(s, isBlank) }, join},
	{"drops white space and controls", func(s string) string { return dropped(s, isBlank) }, join},
	{"drops what is not ASCII", func(s string) string { return dropped(s, func(r rune) bool { return r > 0x7e || isBlank(r) }) }, join},
	{"reads the first word", func(s string) string { return word(s, 0) }, join},
	{"reads the last word", func(s string) string { return word(s, -1) }, join},
	{"takes folded lines for fields", func(s string) string { return strings.TrimFunc(s, isBlank) }, split},
	{"ignores folded lines", func(s string) string { return strings.TrimFunc(s, isBlank) }, ignore},
}

// isBlank reports whether some parser treats a character of Latin-1 as white space.
func isBlank(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == 0xad }

func dropped(s string, f func(rune) bool) string {
	return strings.Map(func(r rune) rune {
		if f(r) {
			return -1
		}
		return r
	}, s)
}

// word returns a word of s, counted from the end if i is negative, or an empty string.
func word(s string, i int) string {
	words := strings.FieldsFunc(s, isBlank)
	if len(words) == 0 {
		return ""
	}
	return words[(i+len(words))%len(words)]
}

func isFolded(line string) bool { return line[0] == ' ' || line[0] == '\t' }

func join(lines []string) (all []string) {
	for _, line := range lines {
		if last := len(all) - 1; isFolded(line) && last >= 0 {
			all[last] += " " + strings.TrimLeft(line, " \t")
		} else {
			all = append(all, line)
		}
	}
	return all
}

func split(lines []string) []string { return lines }

func ignore(lines []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), isFolded)
}

// framing returns the lines of a header section that the reader takes for one of the two fields, up
// to the line that it takes for the empty one.
func (l *lenientReader) framing(section string) (found []string) {
	for _, line := range l.fold(linesOf(section)) {
		if strings.TrimFunc(line, isBlank) == "" {
			return found
		}
		name, value, _ := strings.Cut(line, ":")
		if strings.Trim(strings.ToLower(name), tokenCharacters) != "" {
			name = l.read(name)
		}
		if strings.EqualFold(name, "Content-Length") || strings.EqualFold(name, "Transfer-Encoding") {
			found = append(found, strings.ToLower(name)+": "+strings.Trim(value, " \t"))
		}
	}
	return found
}

const tokenCharacters = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"

// linesOf returns the lines of a header section in Latin-1, up to the empty line.
func linesOf(section string) (lines []string) {
	for line := range strings.SplitSeq(section, "\n") {
		line = strings.TrimSuffix(line, "\r")
		if line == "" {
			return lines
		}
		runes := make([]rune, len(line))
		for i := range len(line) {
			runes[i] = rune(line[i])
		}
		lines = append(lines, string(runes))
	}
	return lines
}

// If h1 accepts a header section, no lenient reader finds other framing fields in it.
func FuzzLenientReaders(f *testing.F) {
	for _, line := range slices.Concat(oddLines, disguises) {
		f.Add(line + "\r\nContent-Length: 3\r\n\r\n")
	}
	for _, fields := range framingFields() {
		f.Add(fields)
	}
	f.Add("A: b\r\n c\r\nContent-Length: 3\r\n\r\n")
	f.Fuzz(func(t *testing.T, section string) {
		const line = "POST / HTTP/1.1\r\n"
		r, err := h1.ParseRequest([]byte(line + section))
		if err != nil || r.Size == 0 {
			return
		}
		section = section[:r.Size-len(line)]
		strict := lenientReader{read: func(string) string { return "" }, fold: ignore}
		want := strict.framing(section)
		for _, l := range lenientReaders {
			if got := l.framing(section); !slices.Equal(got, want) {
				t.Errorf("%q was accepted with %q; a reader that %s finds %q", section, want, l.name, got)
			}
		}
	})
}
