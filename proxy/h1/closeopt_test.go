package h1_test

import (
	"bufio"
	"bytes"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lameduck/proxy/h1"
)

// closeOptions are the Connection fields of a head before and after the close option (RFC 9112
// section 9.6).
var closeOptions = []struct{ name, before, after string }{
	{
		"RFC 9112 s.9.6: no Connection field",
		"HTTP/1.1 200 OK\r\nA: b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\r\nConnection: close\r\n\r\n",
	},
	{
		"RFC 9112 s.9.6: no field at all",
		"HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
	},
	{
		"RFC 9112 s.9.6: close already",
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
	},
	{
		"RFC 9110 s.7.6.1: close already, in another case",
		"HTTP/1.1 200 OK\r\ncOnnection:CLOSE \r\n\r\n",
		"HTTP/1.1 200 OK\r\ncOnnection:CLOSE \r\n\r\n",
	},
	{
		"RFC 9110 s.7.6.1: close already, in a list",
		"HTTP/1.1 200 OK\r\nConnection: Upgrade ,\tclose,x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: Upgrade ,\tclose,x\r\n\r\n",
	},
	{
		"RFC 9110 s.5.3: close already, in the second of two fields",
		"HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nConnection: close\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nConnection: close\r\n\r\n",
	},
	{
		"RFC 9112 s.9.3: close beside keep-alive is close",
		"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
	},
	{
		"RFC 9112 s.9.6: keep-alive",
		"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nA: b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: close\r\nA: b\r\n\r\n",
	},
	{
		"RFC 9112 s.9.6: HTTP/1.0 that would be kept alive",
		"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nKeep-Alive: timeout=5\r\n\r\n",
		"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n",
	},
	{
		"RFC 9110 s.7.6.1: a field that says how long the connection is kept",
		"HTTP/1.1 200 OK\r\nkeep-alive: timeout=5, max=100\r\nA: b\r\nKeep-Alive:\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\r\nConnection: close\r\n\r\n",
	},
	{
		"RFC 9110 s.7.6.1: keep-alive at the end of a list without white space",
		"HTTP/1.1 200 OK\r\nConnection:a,keep-alive\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection:a,close\r\n\r\n",
	},
	{
		"RFC 9112 s.9.6: HTTP/1.0 that would not",
		"HTTP/1.0 200 OK\r\n\r\n",
		"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n",
	},
	{
		"RFC 9110 s.5.6.1: keep-alive in a list, white space stays",
		"HTTP/1.1 200 OK\r\nConnection:  Upgrade , \tkeep-alive\t,x \r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection:  Upgrade , \tclose\t,x \r\n\r\n",
	},
	{
		"RFC 9110 s.5.6.1: keep-alive twice in a list",
		"HTTP/1.1 200 OK\r\nConnection: keep-alive, Keep-Alive\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: close, close\r\n\r\n",
	},
	{
		"RFC 9110 s.5.3: keep-alive in the second of two fields",
		"HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nConnection: keep-alive\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nConnection: close\r\n\r\n",
	},
	{
		"RFC 9110 s.5.3: keep-alive in two fields",
		"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nA: b\r\nConnection:keep-alive,x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: close\r\nA: b\r\nConnection:close,x\r\n\r\n",
	},
	{
		"RFC 9110 s.7.6.1: another option",
		"HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\nUpgrade: TLS/1.2\r\n\r\n",
		"HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade, close\r\nUpgrade: TLS/1.2\r\n\r\n",
	},
	{
		"RFC 9110 s.7.6.1: another option, white space behind it stays",
		"HTTP/1.1 200 OK\r\nConnection:x \t\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection:x, close \t\r\n\r\n",
	},
	{
		"RFC 9110 s.5.3: other options in two fields",
		"HTTP/1.1 200 OK\r\nConnection: x\r\nConnection: y\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: x, close\r\nConnection: y\r\n\r\n",
	},
	{
		"RFC 9110 s.7.6.1: options that only begin or end alike",
		"HTTP/1.1 200 OK\r\nConnection: keep-alives, xkeep-alive, closed, keep alive\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: keep-alives, xkeep-alive, closed, keep alive, close\r\n\r\n",
	},
	{
		"RFC 9110 s.7.6.1: an option that holds keep-alive, before it",
		"HTTP/1.1 200 OK\r\nConnection: xkeep-alive, keep-alive\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: xkeep-alive, close\r\n\r\n",
	},
	{
		"RFC 9110 s.5.6.1: an empty Connection field gets a sibling",
		"HTTP/1.1 200 OK\r\nConnection:\r\nA: b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection:\r\nA: b\r\nConnection: close\r\n\r\n",
	},
	{
		"RFC 9110 s.5.6.1: an empty one before one with an option",
		"HTTP/1.1 200 OK\r\nConnection: \t\r\nConnection: x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: \t\r\nConnection: x, close\r\n\r\n",
	},
	{
		"RFC 9112 s.2.2: lines that end in a lone LF",
		"HTTP/1.1 200 OK\nA: b\n\n",
		"HTTP/1.1 200 OK\nA: b\nConnection: close\r\n\n",
	},
	{
		"RFC 9112 s.2.2: keep-alive before a lone LF",
		"HTTP/1.1 200 OK\nConnection: keep-alive\n\r\n",
		"HTTP/1.1 200 OK\nConnection: close\n\r\n",
	},
	{
		"RFC 9112 s.2.2: another option before a lone LF",
		"HTTP/1.1 200 OK\nConnection: x\n\n",
		"HTTP/1.1 200 OK\nConnection: x, close\n\n",
	},
	{
		"RFC 9112 s.5.2: close already, in a folded line",
		"HTTP/1.1 200 OK\r\nConnection: x,\r\n close\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: x,\r\n close\r\n\r\n",
	},
	{
		"RFC 9112 s.5.2: keep-alive in a folded line",
		"HTTP/1.1 200 OK\r\nConnection:\r\n\tkeep-alive,\r\n x\r\nA: b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection:\r\n\tclose,\r\n x\r\nA: b\r\n\r\n",
	},
	{
		"RFC 9112 s.5.2: another option in a folded line",
		"HTTP/1.1 200 OK\r\nConnection: x,\n y \n\n",
		"HTTP/1.1 200 OK\r\nConnection: x,\n y, close \n\n",
	},
	{
		"RFC 9112 s.5.2: a folded field that is left out goes as a whole",
		"HTTP/1.1 200 OK\r\nA: b\r\nKeep-Alive: timeout=5,\r\n max=100\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\r\nConnection: close\r\n\r\n",
	},
	{
		"RFC 9112 s.5.2: a folded line that looks like a field",
		"HTTP/1.1 200 OK\r\nA: b\r\n Connection: close\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\r\n Connection: close\r\nConnection: close\r\n\r\n",
	},
	{
		"RFC 9112 s.5: odd lines stay as they are",
		"ICY 200 OK\r\nConnection : close\r\nKeep Alive: x\r\nno colon\r\n: x\r\nX-\xe9: y\r\n\r\n",
		"ICY 200 OK\r\nConnection : close\r\nKeep Alive: x\r\nno colon\r\n: x\r\nX-\xe9: y\r\nConnection: close\r\n\r\n",
	},
	{
		"fields that only begin or end alike",
		"HTTP/1.1 200 OK\r\nConnectionx: close\r\nProxy-Connection: keep-alive\r\nA: Connection: close\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnectionx: close\r\nProxy-Connection: keep-alive\r\nA: Connection: close\r\nConnection: close\r\n\r\n",
	},
	{
		"a reason phrase that looks like a field",
		"HTTP/1.1 200 Connection: close\r\n\r\n",
		"HTTP/1.1 200 Connection: close\r\nConnection: close\r\n\r\n",
	},
}

func TestAppendCloseOption(t *testing.T) {
	for _, c := range closeOptions {
		t.Run(c.name, func(t *testing.T) {
			if got := string(h1.AppendCloseOption(nil, []byte(c.before))); got != c.after {
				t.Errorf("head %q\n got %q\nwant %q", c.before, got, c.after)
			}
			expectCloseOption(t, []byte(c.before))
		})
	}
}

// RFC 9110 section 7.6.1: connection options are case-insensitive, so keep-alive has 512 spellings.
func TestKeepAliveInEveryCase(t *testing.T) {
	const option = "keepalive"
	for bits := range 1 << len(option) {
		word := []byte(option)
		for i := range word {
			word[i] -= 'a' - 'A'
			if bits&(1<<i) != 0 {
				word[i] += 'a' - 'A'
			}
		}
		before := answer("Connection: " + string(word[:4]) + "-" + string(word[4:]))
		if got, want := string(h1.AppendCloseOption(nil, []byte(before))), answer("Connection: close"); got != want {
			t.Errorf("head %q became %q", before, got)
		}
	}
}

func TestAppendCloseOptionAppends(t *testing.T) {
	for _, c := range closeOptions {
		if got := string(h1.AppendCloseOption([]byte("before "), []byte(c.before))); got != "before "+c.after {
			t.Errorf("%s: got %q", c.name, got)
		}
	}
}

func FuzzCloseOption(f *testing.F) {
	for _, c := range closeOptions {
		f.Add([]byte(c.before))
	}
	for _, c := range responseLengths {
		f.Add([]byte(c.head))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if r, err := h1.ParseResponse(in, h1.Other); err == nil && r.Size > 0 {
			expectCloseOption(t, in[:r.Size])
		}
	})
}

// expectCloseOption checks all properties of a head with the close option, for any head.
func expectCloseOption(t *testing.T, before []byte) {
	t.Helper()
	after := h1.AppendCloseOption(nil, before)
	if len(after) > len(before)+19 {
		t.Errorf("%q became %q, %d bytes longer", before, after, len(after)-len(before))
	}
	if again := h1.AppendCloseOption(nil, after); !bytes.Equal(again, after) {
		t.Errorf("%q became %q, and that became %q", before, after, again)
	}
	for _, method := range []h1.Method{h1.Other, h1.Head, h1.Connect} {
		expectSameFraming(t, before, after, method)
	}
	expectOnlyTheOption(t, before, after)
	expectNetHTTPCloses(t, before, after)
}

func expectSameFraming(t *testing.T, before, after []byte, method h1.Method) {
	t.Helper()
	r, errBefore := h1.ParseResponse(before, method)
	s, errAfter := h1.ParseResponse(after, method)
	if errBefore != nil || errAfter != nil || r.Status != s.Status || r.Body != s.Body || s.Size != len(after) {
		t.Errorf("%q: %d, %s\nbecame %q: %d, %s, %d bytes", before, r.Status, framing(r.Body, errBefore),
			after, s.Status, framing(s.Body, errAfter), s.Size)
	}
}

// expectOnlyTheOption removes the option from after, line by line, and compares the result with
// before.
func expectOnlyTheOption(t *testing.T, before, after []byte) {
	t.Helper()
	was, is := fieldLines(string(before)), fieldLines(string(after))
	if !bytes.Equal(before, after) {
		was = slices.DeleteFunc(was, func(line string) bool { return keepAliveField.MatchString(line) })
	}
	// The last line is empty, and SplitAfter adds an empty string after it.
	if added := len(is) - 3; len(is) == len(was)+1 && is[added] == "Connection: close\r\n" {
		is = append(is[:added], is[added+1:]...)
	}
	if len(was) != len(is) {
		t.Fatalf("%q became %q", before, after)
	}
	for i := range was {
		if was[i] != is[i] && !onlyOptionChanged(was[i], is[i]) {
			t.Errorf("line %q became %q", was[i], is[i])
		}
	}
}

// fieldLines returns the lines of a head, each with its continuation lines.
func fieldLines(head string) (lines []string) {
	for _, line := range strings.SplitAfter(head, "\n") {
		if last := len(lines) - 1; last >= 0 && (strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")) {
			lines[last] += line
		} else {
			lines = append(lines, line)
		}
	}
	return lines
}

// keepAliveField matches the field that is removed when a close option is added.
var keepAliveField = regexp.MustCompile(`(?i)^keep-alive:`)

// onlyOptionChanged reports whether a Connection field was changed in one of the two allowed ways.
func onlyOptionChanged(was, is string) bool {
	name, value, _ := strings.Cut(was, ":")
	if !strings.EqualFold(name, "Connection") || !strings.HasPrefix(is, name+":") {
		return false
	}
	text := strings.TrimRight(value, " \t\r\n")
	if is == name+":"+text+", close"+value[len(text):] {
		return true
	}
	members, now := strings.Split(value, ","), strings.Split(is[len(name)+1:], ",")
	for i, member := range members {
		if word := strings.Trim(member, " \t\r\n"); strings.EqualFold(word, "keep-alive") {
			members[i] = strings.Replace(member, word, "close", 1)
		}
	}
	return strings.Join(members, ",") == strings.Join(now, ",")
}

// expectNetHTTPCloses checks that net/http understands the option in every head that it accepts.
func expectNetHTTPCloses(t *testing.T, before, after []byte) {
	t.Helper()
	if _, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(before)), nil); err != nil {
		return
	}
	r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(after)), nil)
	if err != nil || !r.Close {
		t.Errorf("%q became %q: net/http would not close (%v)", before, after, err)
	}
}
