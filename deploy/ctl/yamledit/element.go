package yamledit

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"lameduck/deploy/ctl/jsonpatch"
)

// An element is an object of a list that is edited by itself. Each operation parses the text again, and
// a list of a cluster may have a thousand objects.
type element struct {
	list  string // JSON Pointer in the document
	index int

	begin, end  int // offsets of its text
	first, last int // lines of its text
	indent      int // spaces to put in front of its text, so that columns stay

	within string // JSON Pointer of the element in its text
}

// applyToElement applies a patch to an element of a list. It returns false if the patch changes anything
// else, or if it does not know the layout.
func (d Document) applyToElement(patch []jsonpatch.Operation) (Document, bool) {
	e, is := d.elementOf(patch)
	if !is {
		return d, false
	}
	text := append(bytes.Repeat([]byte(" "), e.indent), d.Text[e.begin:e.end]...)
	before, err := Parse(text)
	if err != nil || before.Node(e.within) == nil || !equal(before.Node(e.within), d.Node(e.pointer())) {
		return d, false
	}
	before.compact = new(d.hasCompactLists())
	within := slices.Clone(patch)
	for i, op := range patch {
		within[i].Path = e.within + strings.TrimPrefix(op.Path, e.pointer())
	}
	after, err := before.Apply(within)
	if err != nil || after.Rewritten || after.Node(e.within) == nil {
		return d, false
	}
	return d.withElement(e, after), true
}

func (e element) pointer() string { return e.list + "/" + strconv.Itoa(e.index) }

// elementOf returns the element that a patch changes, below a key of the document.
func (d Document) elementOf(patch []jsonpatch.Operation) (element, bool) {
	tokens := jsonpatch.Tokens(patch[0].Path)
	shares := len(usersOf(d.Root)) > 0 || bytes.Contains(d.Text, []byte(expanded))
	if len(tokens) < 3 || d.Root.Kind != yaml.MappingNode || shares {
		return element{}, false
	}
	e := element{list: "/" + jsonpatch.Escape(tokens[0])}
	index, err := strconv.Atoi(tokens[1])
	list := d.Node(e.list)
	if err != nil || list == nil || list.Kind != yaml.SequenceNode || index < 0 || index >= len(list.Content) {
		return element{}, false
	}
	e.index = index
	for _, op := range patch {
		if !strings.HasPrefix(op.Path, e.pointer()+"/") {
			return element{}, false
		}
	}
	if isFlow(list) {
		return e, e.findInFlow(newTextEdit(d), list.Content[index])
	}
	return e, e.findInBlock(newTextEdit(d), list)
}

// maxIndent bounds the spaces in front of an element. More are in a document without line ends.
const maxIndent = 100

// findInFlow finds the text of an element between brackets. Nothing else may follow in its last line.
func (e *element) findInFlow(t *textEdit, node *yaml.Node) bool {
	e.begin, e.end, e.indent = t.offset(node), t.tokenEnd(node), node.Column-1
	if e.end < 0 || e.indent > maxIndent {
		return false
	}
	e.first, e.last = node.Line, t.lineAt(e.end-1)
	rest := t.text[e.end:t.lineEnd(e.last)]
	return len(bytes.Trim(rest, " \t\r\n,]}")) == 0
}

// findInBlock finds the lines of an element behind a dash.
func (e *element) findInBlock(t *textEdit, list *yaml.Node) bool {
	node, indent := list.Content[e.index], t.dashes(list)-1
	e.within, e.first, e.last = "/0", node.Line, t.endLine([]*yaml.Node{node}, indent)
	e.begin, e.end = t.lineStarts[e.first-1], t.lineEnd(e.last)
	return t.blankBefore(e.first, indent+1) && bytes.HasPrefix(t.text[e.begin+indent:], []byte("- "))
}

// withElement returns the document with the text and the tree of an element replaced.
func (d Document) withElement(e element, after Document) Document {
	text := slices.Concat(d.Text[:e.begin], after.Text[e.indent:], d.Text[e.end:])
	lines := bytes.Count(text, []byte("\n")) - bytes.Count(d.Text, []byte("\n"))
	root := copyTree(d.Root)
	walk(root, func(n *yaml.Node) {
		if n.Line > e.last {
			n.Line += lines
		}
	})
	node := after.Node(e.within)
	walk(node, func(n *yaml.Node) { n.Line += e.first - 1 })
	lookup(root, e.list).Content[e.index] = node
	d.Text, d.Root = text, root
	return d
}

// copyTree returns a deep copy of a tree without aliases.
func copyTree(node *yaml.Node) *yaml.Node {
	c := *node
	c.Content = slices.Clone(node.Content)
	for i, child := range c.Content {
		c.Content[i] = copyTree(child)
	}
	return &c
}
