package yamledit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"lameduck/deploy/ctl/jsonpatch"
)

// listOf returns a list of n objects, as programs print it.
func listOf(n int) string {
	var text strings.Builder
	text.WriteString("kind: List\nitems:\n")
	for i := range n {
		fmt.Fprintf(&text, "- kind: Pod # %d\n  metadata:\n    name: p%d\n    labels: {a: b}\n\n  # of spec\n  spec:\n    text: |\n"+
			"      x\n\n    empty: []\n# between\n", i, i)
	}
	return text.String() + "metadata: {x: y}\n"
}

// indented returns a list whose dashes are indented.
func indented(list string) string {
	begin, end := strings.Index(list, "- "), strings.Index(list, "metadata: {x")
	items := strings.ReplaceAll("\n"+list[begin:end], "\n", "\n    ")
	items = strings.ReplaceAll(items, "\n    \n", "\n\n")
	return list[:begin-1] + strings.TrimSuffix(items, "    ") + list[end:]
}

func changesOf(i int) []jsonpatch.Operation {
	at := fmt.Sprintf("/items/%d", i)
	return []jsonpatch.Operation{
		add(at+"/metadata/labels/c", "d"), replace(at+"/metadata/name", "q"), add(at+"/spec/empty/-", object{"e": "f"}),
		add(at+"/spec/more", []any{object{"g": 1}, 2}),
	}
}

// An object of a list is edited by itself. The tree must be that of the whole text, so that the next
// object is found.
func TestTheObjectsOfAListAreEditedByThemselves(t *testing.T) {
	var value any
	if err := parse(t, listOf(3)).Root.Decode(&value); err != nil {
		t.Fatal(err)
	}
	printed, err := json.MarshalIndent(value, "", "    ")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"block":              listOf(3),
		"indented":           indented(listOf(3)),
		"lines of Windows":   strings.ReplaceAll(listOf(3), "\n", "\r\n"),
		"without a last end": strings.TrimSuffix(listOf(3), "metadata: {x: y}\n"),
		"JSON":               string(printed),
	} {
		d, before := parse(t, text), text
		for _, i := range []int{1, 0, 2} {
			if _, is := d.applyToElement(changesOf(i)); !is {
				t.Errorf("%s: object %d is not edited by itself in\n%s", name, i, d.Text)
			}
			whole := &edit{Document: d, want: cloneTree(d.Root)}
			if err := whole.applyAll(changesOf(i)); err != nil {
				t.Fatal(err)
			}
			if d, err = d.Apply(changesOf(i)); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(d.Text, whole.Text) {
				t.Errorf("%s: by itself object %d becomes\n%s\nand within the list\n%s", name, i, d.Text, whole.Text)
			}
			expectTree(t, d.Root, parse(t, string(d.Text)).Root)
		}
		for i := range 3 {
			at := fmt.Sprintf("/items/%d", i)
			d, err = d.Apply([]jsonpatch.Operation{
				remove(at + "/spec/more"), remove(at + "/spec/empty/0"), replace(at+"/metadata/name", fmt.Sprintf("p%d", i)),
				remove(at + "/metadata/labels/c"),
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if string(d.Text) != before {
			t.Errorf("%s: back again it is\n%s\nand it was\n%s", name, d.Text, before)
		}
	}
}

// expectTree compares trees, but for comments.
func expectTree(t *testing.T, got, want *yaml.Node) {
	t.Helper()
	if got.Kind != want.Kind || got.Value != want.Value || got.Tag != want.Tag || got.Style != want.Style ||
		got.Line != want.Line || got.Column != want.Column || len(got.Content) != len(want.Content) {
		t.Fatalf("got %q at %d:%d, want %q at %d:%d", got.Value, got.Line, got.Column, want.Value, want.Line, want.Column)
	}
	for i := range want.Content {
		expectTree(t, got.Content[i], want.Content[i])
	}
}

// What is not a single object, or has an unusual layout, is edited within the whole document.
func TestOnlyOneObjectIsEditedByItself(t *testing.T) {
	for name, tc := range map[string]struct {
		text  string
		patch []jsonpatch.Operation
	}{
		"two objects":     {"items:\n- {a: 1}\n- {a: 1}\n", operations{replace("/items/0/a", 2), replace("/items/1/a", 2)}},
		"an element":      {"items:\n- {a: 1}\n", operations{replace("/items/0", 2)}},
		"a dash alone":    {"items:\n-\n  a: 1\n", operations{replace("/items/0/a", 2)}},
		"an alias":        {"x: &x 1\nitems:\n- a: *x\n", operations{replace("/items/0/a", 2)}},
		"no list":         {"items:\n  a: {b: 1}\n", operations{replace("/items/a/b", 2)}},
		"one line":        {`{"items": [{"a": {"b": 1}}], "c": 2}`, operations{replace("/items/0/a/b", 2)}},
		"no such object":  {"items:\n- {a: 1}\n", operations{replace("/items/7/a", 2)}},
		"no such value":   {"items:\n- {a: 1}\n", operations{replace("/items/0/b", 2)}},
		"an anchored one": {"items:\n- &x\n  a: 1\nb: *x\n", operations{replace("/items/0/a", 2)}},
	} {
		if _, is := parse(t, tc.text).applyToElement(tc.patch); is {
			t.Errorf("%s: it is edited by itself", name)
		}
	}
}

// TestAListTakesNoLongerForEachObject counts allocations, of which a parser makes several for each
// node of the list.
func TestAListTakesNoLongerForEachObject(t *testing.T) {
	d, nodes := parse(t, listOf(300)), 0
	walk(d.Root, func(*yaml.Node) { nodes++ })
	allocations := testing.AllocsPerRun(1, func() {
		if _, err := d.Apply(changesOf(150)); err != nil {
			t.Error(err)
		}
	})
	if allocations > 5*float64(nodes) {
		t.Errorf("%.0f allocations for one object in a list of %d nodes", allocations, nodes)
	}
}
