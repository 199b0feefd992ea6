package yamledit

import (
	"strings"
	"testing"

	"lameduck/deploy/ctl/jsonpatch"
)

type operations = []jsonpatch.Operation

// Aliases, merges and their anchor share a value: a change of one must not change the others. Each
// change has an inverse, which restores the text.
func TestAnAliasIsExpandedBeforeItsChange(t *testing.T) {
	for name, tc := range map[string]struct {
		text, want  string
		there, back operations
	}{
		"through the alias": {
			"a: &x\n  b: 1 # one\nc: *x # as a\n", "a: &x\n  b: 1 # one\nc: # lameduckctl expanded *x # as a\n  b: 2\n",
			operations{replace("/c/b", 2)}, operations{replace("/c/b", 1)},
		},
		"the anchor": {
			"a: &x\n  b: 1\nc: *x\n", "a: &x\n  b: 2\nc: # lameduckctl expanded *x\n  b: 1\n",
			operations{replace("/a/b", 2)}, operations{replace("/a/b", 1)},
		},
		"a number": {
			"a: &x 1 # one\nb:\n  - c: *x # as a\n", "a: &x 2 # one\nb:\n  - c: 1 # lameduckctl expanded *x # as a\n",
			operations{replace("/a", 2)}, operations{replace("/a", 1)},
		},
		"an alias of a number": {
			"a: &x '1'\nb: *x", "a: &x '1'\nb: 'y' # lameduckctl expanded *x",
			operations{replace("/b", "y")}, operations{replace("/b", "1")},
		},
		"an element of a list": {
			"a: &x {b: 1}\nc:\n- *x\n- &y\n  e: 1\n- *y\n",
			"a: &x {b: 1}\nc:\n- # lameduckctl expanded *x\n  {b: 1, d: 2}\n- &y\n  e: 1\n- # lameduckctl expanded *y\n  e: 1\n  f: 3\n",
			operations{add("/c/0/d", 2), add("/c/2/f", 3)}, operations{remove("/c/0/d"), remove("/c/2/f")},
		},
		"a list": {
			"a: &x\n- 1\n- 2\nb:\n  c: *x\n", "a: &x\n- 1\n- 2\nb:\n  c: # lameduckctl expanded *x\n  - 1\n  - 2\n  - 3\n",
			operations{add("/b/c/-", 3)}, operations{remove("/b/c/2")},
		},
		"through a merge": {
			"a: &x\n  b: {c: 1}\n  f: |\n    text\n\n    more\nd:\n  <<: *x # as a\n  e: 2\n",
			"a: &x\n  b: {c: 1}\n  f: |\n    text\n\n    more\nd:\n  # lameduckctl expanded <<: *x, keys: 2 # as a\n" +
				"  b: {c: 3}\n  f: |\n    text\n\n    more\n  e: 2\n",
			operations{replace("/d/b/c", 3)}, operations{replace("/d/b/c", 1)},
		},
		"a value that is merged": {
			"a: &x\n  b: 1\nd:\n  <<: *x\n  e: 2\n", "a: &x\n  b: 1\nd:\n  # lameduckctl expanded <<: *x, keys: 1\n  b: 3\n  e: 2\n",
			operations{replace("/d/b", 3)}, operations{replace("/d/b", 1)},
		},
		"a value that is merged within a line": {
			"a: &x {b: 1}\nd: {<<: *x, e: 2} # d\n", "a: &x {b: 1}\nd: {<<: *x, e: 2, b: 3} # d\n",
			operations{replace("/d/b", 3)}, nil,
		},
		"an anchor that is merged": {
			"a:\n- &x\n  b: 1\nc:\n- <<: *x\n  b: 1\n- <<:   *x\n  d: 2\n",
			"a:\n- &x\n  b: 1\n  e: 3\nc:\n- # lameduckctl expanded <<: *x, keys: 0\n  b: 1\n- # lameduckctl expanded <<:   *x, keys: 1\n  b: 1\n  d: 2\n",
			operations{add("/a/0/e", 3)}, operations{remove("/a/0/e")},
		},
		"what is merged twice": {
			"a: &x {b: {c: 1}}\nd: &y\n  <<: *x\n  e: 2\nf:\n  <<: *y\n",
			"a: &x {b: {c: 1}}\nd: &y\n  <<: *x\n  e: 2\nf:\n  # lameduckctl expanded <<: *y, keys: 2\n  e: 2\n  b: {c: 3}\n",
			operations{replace("/f/b/c", 3)}, operations{replace("/f/b/c", 1)},
		},
		"lines of Windows": {
			"a: &x\r\n  b: 1\r\nc: *x\r\n", "a: &x\r\n  b: 1\r\nc: # lameduckctl expanded *x\r\n  b: 1\r\n  d: 2\r\n",
			operations{add("/c/d", 2)}, operations{remove("/c/d")},
		},
		"an alias of nothing": {
			"a: &x {}\nb: *x # none\n", "a: &x {}\nb: # lameduckctl expanded *x # none\n  {c: 1}\n",
			operations{add("/b/c", 1)}, operations{remove("/b/c")},
		},
		"the anchor is removed": {
			"a: &x\n  b: 1\nc: *x\n", "c: # lameduckctl expanded *x\n  b: 1\n", operations{remove("/a")}, nil,
		},
		"another part": {
			"a: &x\n  b: 1\nc: *x\nd: 1 # d\n", "a: &x\n  b: 1\nc: *x\nd: 2 # d\n",
			operations{replace("/d", 2)}, operations{replace("/d", 1)},
		},
	} {
		got := apply(t, tc.text, tc.there...)
		if got != tc.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, tc.want)
		}
		if back := apply(t, got, tc.back...); tc.back != nil && back != tc.text {
			t.Errorf("%s: back again it is\n%s\nand it was\n%s", name, back, tc.text)
		}
	}
}

// Places that are all changed in the same way go on sharing their value.
func TestAnAliasStaysWhereAllPlacesChangeAlike(t *testing.T) {
	for name, tc := range map[string]struct {
		text, want  string
		there, back operations
	}{
		"a value": {
			"a: &x\n  b: 1 # one\nc: *x\n", "a: &x\n  b: 2 # one\nc: *x\n",
			operations{replace("/a/b", 2), replace("/c/b", 2)}, operations{replace("/a/b", 1), replace("/c/b", 1)},
		},
		"a key of merged mappings": {
			"a:\n- &x\n  b: 1\n- <<: *x\n  c: 2\n", "a:\n- &x\n  b: 1\n  d:\n    e: 3\n- <<: *x\n  c: 2\n",
			operations{add("/a/0/d", object{"e": 3}), add("/a/1/d", object{"e": 3})},
			operations{remove("/a/0/d"), remove("/a/1/d")},
		},
		"elements of a list": {
			"a: &x\n  - 1\n  - 2\nc: *x\n", "a: &x\n  - 1\n  - 2\n  - 3\nc: *x\n",
			operations{add("/a/-", 3), add("/c/-", 3)}, operations{remove("/a/2"), remove("/c/2")},
		},
	} {
		wantThereAndBack(t, name, tc.text, tc.want, tc.there, tc.back)
	}
}

// A value with an anchor is edited in place, and keeps the anchor.
func TestAnAnchorStaysWithItsValue(t *testing.T) {
	for name, tc := range map[string]struct {
		text, want  string
		there, back operations
	}{
		"a number":         {"a:   &x 1 # one\n", "a:   &x 2 # one\n", operations{replace("/a", 2)}, operations{replace("/a", 1)}},
		"in quotes":        {"a: &x '1'\n", "a: &x 'y'\n", operations{replace("/a", "y")}, operations{replace("/a", "1")}},
		"an empty mapping": {"a: &x {} # none\n", "a: &x # none\n  b: 1\n", operations{add("/a/b", 1)}, operations{remove("/a/b")}},
		"a mapping":        {"a: &x\n  b: 1\n", "a: &x\n  b: 1\n  c: 2\n", operations{add("/a/c", 2)}, operations{remove("/a/c")}},
		"a list below":     {"a: &x\n  - 1\nb: 1\n", "a: &x\n  - 2\n  - 1\nb: 1\n", operations{add("/a/0", 2)}, operations{remove("/a/0")}},
		"a compact list":   {"a: &x\n- 1\nb: 1\n", "a: &x\n- 1\n- 2\nb: 1\n", operations{add("/a/-", 2)}, operations{remove("/a/1")}},
	} {
		wantThereAndBack(t, name, tc.text, tc.want, tc.there, tc.back)
	}
}

// A copy that differs from the anchor's value stays, and so does a comment within a text.
func TestOnlyCopiesThatAreEqualBecomeAliasesAgain(t *testing.T) {
	for _, text := range []string{
		"a: &x\n  b: 1\nc: # lameduckctl expanded *x\n  b: 2\nd: 1\n",
		"a: &x 1\nc: 2 # lameduckctl expanded *x\nd: 1\n",
		"a: &x\n  b: 1\nc:\n  # lameduckctl expanded <<: *x, keys: 1\n  b: 2\nd: 1\n",
		"a: &x\n  b: 1\nc:\n  # lameduckctl expanded <<: *x, keys: 7\n  b: 1\nd: 1\n",
		"c: # lameduckctl expanded *gone\n  b: 1\nd: 1\n",
		"a: &x 1\nc: |\n  key: 1 # lameduckctl expanded *x\n  # lameduckctl expanded *x\nd: 1\n",
	} {
		want := strings.Replace(text, "d: 1", "d: 2", 1)
		if got := apply(t, text, replace("/d", 2)); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

// Where an alias cannot be expanded in place, the document is encoded again, and says so.
func TestAnAliasInAnUnusualPlaceIsEncodedAgain(t *testing.T) {
	for _, text := range []string{
		"a: &x {b: {d: 1}}\nc: [*x, 2]\n", "a: &x {b: {d: 1}}\nc:\n- {<<: *x, d: 1}\n",
		"a: &x {b: {d: 1}}\ne: &y {f: 1}\nc:\n- <<: [*x, *y]\n",
	} {
		d, err := parse(t, text).Apply(operations{replace("/c/0/b/d", 2)})
		if err != nil || !d.Rewritten || d.Node("/c/0/b/d").Value != "2" || d.Node("/a/b/d").Value != "1" {
			t.Errorf("rewritten %v, error %v:\n%s", d.Rewritten, err, d.Text)
		}
	}
	if d, err := parse(t, "a: &x\n  b: 1\nc: *x\n").Apply(operations{replace("/c/b", 2)}); err != nil || d.Rewritten {
		t.Errorf("error %v, rewritten:\n%s", err, d.Text)
	}
}
