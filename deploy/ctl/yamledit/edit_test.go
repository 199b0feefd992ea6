package yamledit

import (
	"slices"
	"strings"
	"testing"

	"lameduck/deploy/ctl/jsonpatch"
)

// parse parses a text that is valid.
func parse(t *testing.T, text string) Document {
	t.Helper()
	d, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// apply returns a text with a patch applied.
func apply(t *testing.T, text string, patch ...jsonpatch.Operation) string {
	t.Helper()
	d, err := parse(t, text).Apply(patch)
	if err != nil {
		t.Fatal(err)
	}
	return string(d.Text)
}

// wantThereAndBack expects that a patch changes a text as wanted, and that another one restores it.
func wantThereAndBack(t *testing.T, name, text, want string, there, back []jsonpatch.Operation) {
	t.Helper()
	got := apply(t, text, there...)
	if got != want {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
	if restored := apply(t, got, back...); restored != text {
		t.Errorf("%s: back again it is\n%s\nand it was\n%s", name, restored, text)
	}
}

func add(path string, value any) jsonpatch.Operation {
	return jsonpatch.Operation{Op: "add", Path: path, Value: value}
}
func replace(path string, value any) jsonpatch.Operation {
	return jsonpatch.Operation{Op: "replace", Path: path, Value: value}
}
func remove(path string) jsonpatch.Operation {
	return jsonpatch.Operation{Op: "remove",
		Path: path}
}

type object map[string]any

// Each change has an inverse, which restores the text.
func TestAChangeTouchesNoOtherLine(t *testing.T) {
	for name, tc := range map[string]struct {
		text      string
		there     jsonpatch.Operation
		want      string
		backAgain jsonpatch.Operation
	}{
		"a key at the end of a mapping": {
			"a:\n  b: 1 # one\n\n  # of c\nc: 2\n", add("/a/d", 3),
			"a:\n  b: 1 # one\n  d: 3\n\n  # of c\nc: 2\n", remove("/a/d")},
		"a key after a comment of the entry": {
			"a:\n  b:\n    c: 1\n    # still of b\nd: 2\n", add("/a/e", 3),
			"a:\n  b:\n    c: 1\n    # still of b\n  e: 3\nd: 2\n", remove("/a/e")},
		"a mapping in a mapping": {
			"a:\n  b: 1\n", add("/a/c", object{"d": object{"e": 2}}),
			"a:\n  b: 1\n  c:\n    d:\n      e: 2\n", remove("/a/c")},
		"a key in an element of a list": {
			"a:\n- b: 1\n  c: 2\n- d: 3\n", add("/a/0/e", 4),
			"a:\n- b: 1\n  c: 2\n  e: 4\n- d: 3\n",
			remove("/a/0/e")},
		"a key after a text of several lines": {
			"a:\n  b: |\n    # no comment\n    x\n\n    y\nc: 1\n", add("/a/d", 2),
			"a:\n  b: |\n    # no comment\n    x\n\n    y\n  d: 2\nc: 1\n", remove("/a/d")},
		"an element at the end": {
			"a:\n  - b: 1\n    # of b\n  # of the list\nc: 2\n", add("/a/-", object{"d": 3}),
			"a:\n  - b: 1\n    # of b\n  - d: 3\n  # of the list\nc: 2\n", remove("/a/1")},
		"an element in front": {
			"a:\n- b: 1\n- c: 2\n", add("/a/0", object{"d": 3}), "a:\n- d: 3\n- b: 1\n- c: 2\n",
			remove("/a/0")},
		"a number": {
			"a: 1   # one\nb: 2\n", replace("/a", 22), "a: 22   # one\nb: 2\n", replace("/a", 1),
		},
		"a text in quotes": {
			"a: \"1\"\nb: 'it''s'\n", replace("/a", "x"), "a: \"x\"\nb: 'it''s'\n",
			replace("/a", "1"),
		},
		"a key between braces": {
			"a: { b: 1 } # x\n", add("/a/c", object{"d": []any{2}}),
			"a: { b: 1, c: {d: [2]} } # x\n", remove("/a/c"),
		},
		"an element between brackets": {
			"a: [1, 2]\n", add("/a/1", 3), "a: [1, 3, 2]\n", remove("/a/1"),
		},
		"the last between brackets": {
			"a: [\n  1,\n  2\n]\n", add("/a/-", 3), "a: [\n  1,\n  2, 3\n]\n", remove("/a/2"),
		},
		"after a trailing comma": {
			"a: [\n  1,\n  2,\n]\n", add("/a/-", 3), "a: [\n  1,\n  2, 3,\n]\n", remove("/a/2"),
		},
		"brackets within quotes": {
			"a: {b: '}', c: \"\\\"]\", d: it's}\n", add("/a/e", 1),
			"a: {b: '}', c: \"\\\"]\", d: it's, e: 1}\n", remove("/a/e"),
		},
		"an empty mapping": {
			"a: {} # nothing yet\nb: 1\n", add("/a/c", 2), "a: # nothing yet\n  c: 2\nb: 1\n",
			remove("/a/c"),
		},
		"an empty mapping below": {
			"a:\n  {}\nb: 1\n", add("/b2", 2), "a:\n  {}\nb: 1\nb2: 2\n", remove("/b2"),
		},
		"an empty list with a comment below": {
			"x:\n  a: []\n    # - b\nc: 1\n", add("/x/a/-", 2), "x:\n  a:\n    - 2\n    # - b\nc: 1\n", remove("/x/a/0"),
		},
		"an empty list": {"x:\n  a: []\n", add("/x/a/-", 2), "x:\n  a:\n    - 2\n", remove("/x/a/0")},
		"the end of line is missing": {
			"a:\n  b: 1", add("/a/c", 2), "a:\n  b: 1\n  c: 2", remove("/a/c"),
		},
		"lines of Windows": {
			"a:\r\n  b: 1\r\nc: 2\r\n", add("/a/d", object{"e": 3}),
			"a:\r\n  b: 1\r\n  d:\r\n    e: 3\r\nc: 2\r\n", remove("/a/d"),
		},
		"letters of several bytes": {
			"é: {ü: 1}\n", replace("/é/ü", 2), "é: {ü: 2}\n", replace("/é/ü", 1),
		},
		"a document's end": {
			"a:\n  b: 1\n...\n", add("/a/c", 2), "a:\n  b: 1\n  c: 2\n...\n", remove("/a/c"),
		},
		"JSON": {
			"{\"a\": {\"b\": [1]}}\n", add("/a/c", object{"d": "e"}),
			"{\"a\": {\"b\": [1], \"c\": {\"d\":\"e\"}}}\n", remove("/a/c"),
		},
		"a key with a slash": {
			"a:\n  b/c: 1\n", add("/a/d~1e", "x"), "a:\n  b/c: 1\n  d/e: x\n", remove("/a/d~1e"),
		},
	} {
		got := apply(t, tc.text, tc.there)
		if got != tc.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, tc.want)
		}
		if back := apply(t, got, tc.backAgain); back != tc.text {
			t.Errorf("%s: back again it is\n%s\nand it was\n%s", name, back, tc.text)
		}
	}
}

func TestAStringThatLooksLikeANumberIsQuoted(t *testing.T) {
	if got := apply(t, "a: x # one\n", replace("/a", "1")); got != "a: \"1\" # one\n" {
		t.Errorf("got\n%s", got)
	}
}

// Empty lines at the end of a block scalar belong to it: a change after it must keep them.
func TestTheResultIsParsedAgain(t *testing.T) {
	got := apply(t, "a:\n  b: |+\n    x\n\nc: 1\n", add("/a/d", 2))
	if b := parse(t, got).Node("/a/b").Value; b != "x\n\n" {
		t.Errorf("it is %q now, in\n%s", b, got)
	}
}

// A key without a value takes one, and the comment stays.
func TestAKeyWithoutAValueTakesOne(t *testing.T) {
	got, want := apply(t, "a: # x\nb: ~\nc:\n", add("/a", object{"d": 1}),
		add("/b", object{"e": 2}), add("/c", 3)), "a: # x\n  d: 1\nb:\n  e: 2\nc: 3\n"
	if got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestTheFirstKeyOfAnElementCanBeRemoved(t *testing.T) {
	got, want := apply(t, "a:\n  - b: 1\n    c: 2\n", remove("/a/0/b")), "a:\n  - c: 2\n"
	if got != want {
		t.Errorf("got\n%s", got)
	}
}

// A document with an unusual layout is encoded again, with the same values.
func TestAnUnusualLayoutIsEncodedAgain(t *testing.T) {
	const text = "---\n# first\na:\n  -\n    b: 1\n  -\n    c: 2 # two\n"
	got, want := apply(t, text, add("/a/0/d", 3), add("/a/-", 4)),
		"---\n# first\na:\n  - b: 1\n    d: 3\n  - c: 2 # two\n  - 4\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAPatchThatDoesNotFitIsAnError(t *testing.T) {
	for _, op := range []jsonpatch.Operation{
		remove("/nothing"), replace("/nothing", 1), add("/nothing/below", 1), remove("/list/2"),
		replace("/list/-", 1), add("/list/9", 1), add("/list/x", 1), add("/text/x", 1),
	} {
		const text = "list: [1, 2]\ntext: x\n"
		before := parse(t, text)
		after, err := before.Apply([]jsonpatch.Operation{replace("/text", "y"), op})
		if err == nil || !strings.Contains(err.Error(), op.Op+" "+op.Path+": ") {
			t.Errorf("%s %s: error %v", op.Op, op.Path, err)
		}
		for _, d := range []Document{before, after} {
			if string(d.Text) != text || d.Node("/text").Value != "x" {
				t.Errorf("%s %s: half of the patch is applied:\n%s", op.Op, op.Path, d.Text)
			}
		}
	}
}

// A template prints an empty collection on the next line. What is added goes between its brackets,
// and removing it restores the text.
func TestAnEmptyCollectionOnTheNextLineComesBack(t *testing.T) {
	for name, tc := range map[string]struct {
		text      string
		there     []jsonpatch.Operation
		want      string
		backAgain []jsonpatch.Operation
	}{
		"a mapping": {
			"a:\n  {}\nb: 1\n", []jsonpatch.Operation{add("/a/c", "x, [y]"), add("/a/d~1e", 2)},
			"a:\n  {c: 'x, [y]', d/e: 2}\nb: 1\n", []jsonpatch.Operation{remove("/a/c"), remove("/a/d~1e")},
		},
		"a space between brackets": {
			"a: { } # none\nb: [ ]\n", []jsonpatch.Operation{add("/a/c", 1), add("/b/-", object{"d": 2})},
			"a: {c: 1 } # none\nb: [{d: 2} ]\n", []jsonpatch.Operation{remove("/a/c"), remove("/b/0")},
		},
		"a list": {
			"x:\n  a:\n    [ ] # none\n", []jsonpatch.Operation{add("/x/a/-", object{"b": "1"})},
			"x:\n  a:\n    [{b: \"1\"} ] # none\n", []jsonpatch.Operation{remove("/x/a/0")},
		},
	} {
		wantThereAndBack(t, name, tc.text, tc.want, tc.there, tc.backAgain)
	}
}

func TestQuotesAreKnownAndRestored(t *testing.T) {
	for _, text := range []string{"a: { b: 'http' }\n", "a:\n  b: \"http\" # x\n", "a:\n  b: http\n"} {
		quote := parse(t, text).Quote("/a/b")
		got := apply(t, text, replace("/a/b", 8080))
		if strings.ContainsAny(got, `'"`) {
			t.Errorf("a number has quotes: %s", got)
		}
		if back := apply(t, got, replace("/a/b", jsonpatch.Quoted{Text: "http", Quote: quote})); back != text {
			t.Errorf("back again it is\n%s\nand it was\n%s", back, text)
		}
	}
}

func TestObjectsInARowAreSplit(t *testing.T) {
	for stream, want := range map[string][]string{
		"{\"a\":1}\n{\"b\":2}":                    {"{\"a\":1}", "\n{\"b\":2}"},
		"{\"a\":1} {\"b\":2}{}\n---\n{\"c\":3}\n": {"{\"a\":1}", " {\"b\":2}", "{}\n", "---\n{\"c\":3}\n"},
		"{a: 1}\n":          {"{a: 1}\n"},
		"{\"a\":1}\nb: 2\n": {"{\"a\":1}\nb: 2\n"},
	} {
		var got []string
		for _, part := range Split([]byte(stream)) {
			got = append(got, string(part))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q is split into %q, want %q", stream, got, want)
		}
	}
}

// An unusual layout of JSON is encoded again as JSON, as other objects may follow it.
func TestJSONStaysJSON(t *testing.T) {
	const text = "\n{\"a\": {\"z\": \"1\", \"b\": []}, \"c\": null}\n"
	e := &edit{Document: parse(t, text), want: parse(t, text).Root}
	if err := e.rewrite(); err != nil {
		t.Fatal(err)
	}
	if got, want := string(e.Text), "\n{\"a\":{\"z\":\"1\",\"b\":[]},\"c\":null}\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A null may be written in several ways, and a comment may follow it.
func TestANullIsKnownAndRestored(t *testing.T) {
	for _, text := range []string{
		"a:\n  b:\nc: 1\n", "a:\n  b: # none\n  c: 1\n", "a:\n  b: ~ # none\n", "a:\n  b: null\n", "a: {b: ~, c: 1}\n",
		"a:\n  b:\n    # - x\n\n    # - y\n  c: 1\n", "a:\n  b: ~ # none\n    # x\n", "{\"a\": {\"b\": null, \"c\": 1}}\n", "a:\r\n  b:\r\nc: 1\r\n", "a:\n  b: Null", "a:\n  b:",
	} {
		null, is := parse(t, text).Null("/a/b")
		if !is {
			t.Errorf("no null is found in\n%s", text)
		}
		for _, value := range []any{5, "x", object{"d": object{"e": 1}}, []any{1, 2}} {
			got := apply(t, text, add("/a/b", value))
			if back := apply(t, got, replace("/a/b", jsonpatch.Null{Text: null})); back != text {
				t.Errorf("back again it is\n%s\nand it was\n%s", back, text)
			}
		}
	}
	for _, text := range []string{"a: {b: 'null'}\n", "a: {c: 1}\n", "a: {b: {}}\n"} {
		if null, is := parse(t, text).Null("/a/b"); is {
			t.Errorf("the null %q is found in\n%s", null, text)
		}
	}
}

// Directives belong to the document that follows them, also after the end of another one.
func TestDirectivesStayWithTheirDocument(t *testing.T) {
	for _, want := range [][]string{
		{"%YAML 1.1\n---\na: 1\n...\n", "%YAML 1.1\n---\nb: 2\n"},
		{"a: 1\n... # end\n", "# of b\n%TAG ! tag:x,2000:\n---\nb: 2\n"},
		{"a: |\n  ...\n  %x\n", "---\nb: 2\n"},
		{"a: 1\n...\n", "---\nb: 2\n"},
	} {
		var got []string
		for _, part := range Split([]byte(strings.Join(want, ""))) {
			got = append(got, string(part))
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	e := &edit{Document: parse(t, "%YAML 1.1\n# c\n---\na: 1\n"), want: parse(t, "a: 2\n").Root}
	if err := e.rewrite(); err != nil || string(e.Text) != "%YAML 1.1\n---\na: 2\n" {
		t.Errorf("encoded again it is %q, error %v", e.Text, err)
	}
}

// If Split returned two documents as one, the second would be lost.
func TestDocumentsThatAreNotSplitAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1\r---\rb: 2\r":                  "several documents",
		"a: 1\n...\nb: 2\n":                  "expected <document start>",
		"\xff\xfea\x00:\x00 \x001\x00\n\x00": "UTF-16",
		"\xfe\xff\x00a\x00:\x00 \x001":       "UTF-16",
	} {
		for _, part := range Split([]byte(text)) {
			if _, err := Parse(part); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: error %v", part, err)
			}
		}
	}
	for _, text := range []string{"\ufeffa: 1\n", "a: 1\n...\n# end\n", "", "# c\n", "---\n", "a: 1\n...\n"} {
		if _, err := Parse([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// JSON escapes a character such as U+1F986 as two, which YAML does not know.
func TestSurrogatesOfJSONAreRead(t *testing.T) {
	const pair = `\ud83e\udD86`
	for _, text := range []string{
		"{\n \"a\": \"" + pair + "\",\n \"b\": {}\n}\n",
		"{\"a\": \"" + pair + "\", \"" + pair + pair + "\": [1, 2], \"b\": {}}", // on one line
	} {
		got := apply(t, text, add("/b/c", 1))
		if want := strings.Replace(text, "{}", "{\"c\": 1}", 1); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if back := apply(t, got, remove("/b/c")); back != text {
			t.Errorf("back again it is %s", back)
		}
		if got := parse(t, text).Node("/a").Value; got != "\U0001F986" {
			t.Errorf("read is %q", got)
		}
	}
	if _, err := Parse([]byte("a: \"" + pair + "\"\n")); err == nil {
		t.Error("it is read in YAML too, where kubectl refuses it")
	}
}
