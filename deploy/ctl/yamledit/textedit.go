package yamledit

import (
	"bytes"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"lameduck/deploy/ctl/jsonpatch"
)

// A textEdit changes the text of a document in place, for one operation. Its methods return false
// if they do not know the layout that they find.
type textEdit struct {
	text       []byte
	root       *yaml.Node // of the text before the edit
	lineStarts []int      // offset of each line before the edit
	compact    bool       // lists are not indented below their key
	json       bool       // the document is JSON
}

func newTextEdit(d Document) *textEdit {
	t := &textEdit{
		text: slices.Clone(d.Text), root: d.Root, lineStarts: []int{0},
		compact: d.hasCompactLists(), json: isFlow(d.Root),
	}
	for i, c := range d.Text {
		if c == '\n' {
			t.lineStarts = append(t.lineStarts, i+1)
		}
	}
	return t
}

func (t *textEdit) apply(op jsonpatch.Operation) bool {
	path, token := jsonpatch.Cut(op.Path)
	parent := lookup(t.root, path)
	if parent == nil {
		return false
	}
	var value *yaml.Node
	if op.Op != "remove" {
		var err error
		if value, err = valueNode(op.Value); err != nil {
			return false
		}
	}
	if parent.Kind == yaml.SequenceNode {
		return t.applyToSequence(path, parent, token, op.Op, value)
	}
	return parent.Kind == yaml.MappingNode && t.applyToMapping(path, parent, token, op.Op, value)
}

func (t *textEdit) applyToMapping(path string, m *yaml.Node, key, op string, value *yaml.Node) bool {
	k := keyIndex(m, key)
	switch {
	case op == "remove":
		return k >= 0 && t.removeEntry(path, m, k)
	case k >= 0:
		return t.replaceEntry(m, k, value)
	case len(m.Content) == 0 && !t.json && !t.keepsBrackets(path, m):
		return t.fillEmpty(path, mappingNode(key, value))
	case isFlow(m):
		return t.insertInFlow(m, len(m.Content), t.flowEntry(key, value))
	}
	last := len(m.Content) - 2
	indent := m.Content[0].Column - 1
	entry := t.block(mappingNode(key, value), indent)
	return t.insertLines(t.endLine(m.Content[last:last+2], indent), entry)
}

func (t *textEdit) applyToSequence(path string, list *yaml.Node, token, op string, value *yaml.Node) bool {
	i, err := strconv.Atoi(token)
	if token == "-" {
		i, err = len(list.Content), nil
	}
	if err != nil || i < 0 || i > len(list.Content) {
		return false
	}
	switch {
	case op == "remove":
		return i < len(list.Content) && t.removeItem(path, list, i)
	case op == "replace":
		return t.replaceItem(list, i, value)
	case len(list.Content) == 0 && !t.json && !t.keepsBrackets(path, list):
		return t.fillEmpty(path, sequenceNode(value))
	case isFlow(list):
		return t.insertInFlow(list, i, t.flowWithin(value))
	}
	return t.insertItem(list, i, value)
}

// insertItem adds an element to a list in block style, in front of the one at i.
func (t *textEdit) insertItem(list *yaml.Node, i int, value *yaml.Node) bool {
	indent := t.dashes(list) - 1
	item := t.block(sequenceNode(value), indent)
	if i == len(list.Content) {
		return t.insertLines(t.endLine(list.Content[i-1:], indent), item)
	}
	line := list.Content[i].Line
	return t.blankBefore(line, indent+1) && t.insertLines(line-1, item)
}

func (t *textEdit) replaceItem(list *yaml.Node, i int, value *yaml.Node) bool {
	old := list.Content[i]
	if isFlow(list) || old.Kind == yaml.ScalarNode {
		return t.replaceToken(old, value)
	}
	indent := t.dashes(list) - 1
	end := t.endLine([]*yaml.Node{old}, indent)
	item := t.block(sequenceNode(value), indent)
	return t.blankBefore(old.Line, indent+1) && t.replaceLines(old.Line, end, item)
}

func (t *textEdit) removeItem(path string, list *yaml.Node, i int) bool {
	item := list.Content[i]
	switch {
	case isFlow(list):
		return t.removeFromFlow(list, i, i+1)
	case len(list.Content) == 1:
		return t.clear(path, list, "[]")
	}
	column := t.dashes(list)
	return t.blankBefore(item.Line, column) &&
		t.deleteLines(item.Line, t.endLine([]*yaml.Node{item}, column-1))
}

// replaceEntry replaces the value of the key at k.
func (t *textEdit) replaceEntry(m *yaml.Node, k int, value *yaml.Node) bool {
	key, old := m.Content[k], m.Content[k+1]
	switch {
	case isNull(value):
		return t.replaceByNull(m, k, value.Value)
	case isFlow(m) || !isCollection(value) && !isAbsent(old):
		return t.replaceToken(old, value)
	case !isCollection(value):
		colon := t.colon(key)
		return colon >= 0 && t.replaceText(colon, colon, " "+t.flow(value))
	case isAbsent(old):
		return t.insertLines(key.Line, t.blockBelow(key, value))
	case isCollection(old) && len(old.Content) > 0:
		return false
	}
	// Remove the token of the empty value and add lines below. A comment on the line stays.
	at, end := t.begin(old), t.tokenEnd(old)
	if end < 0 || old.Line != key.Line {
		return false
	}
	block := t.blockBelow(key, value)
	return t.insertLines(key.Line, block) && t.replaceText(len(bytes.TrimRight(t.text[:at], " ")), end, "")
}

// replaceByNull replaces the value of the key at k by a null, which may have no text.
func (t *textEdit) replaceByNull(m *yaml.Node, k int, null string) bool {
	key, old := m.Content[k], m.Content[k+1]
	colon := t.colon(key)
	if colon < 0 {
		return false
	}
	if isCollection(old) && !isFlow(old) && old.Line > key.Line {
		if null != "" {
			null = " " + null
		}
		return t.deleteLines(key.Line+1, t.lastLine(old)) && t.replaceText(colon, colon, null)
	}
	begin, end := t.offset(old), t.tokenEnd(old)
	if null == "" {
		begin = colon
	}
	return end >= 0 && t.replaceText(begin, end, null)
}

// removeEntry removes the key at k and its value.
func (t *textEdit) removeEntry(path string, m *yaml.Node, k int) bool {
	key := m.Content[k]
	switch {
	case isFlow(m):
		return t.removeFromFlow(m, k, k+2)
	case len(m.Content) == 2:
		return t.clear(path, m, "{}")
	case !t.blankBefore(key.Line, key.Column):
		// The key follows a dash: the next key takes its place.
		return k+2 < len(m.Content) && t.replaceText(t.offset(key), t.offset(m.Content[k+2]), "")
	}
	return t.deleteLines(key.Line, t.endLine(m.Content[k:k+2], key.Column-1))
}

// keepsBrackets reports whether an empty collection is filled between its brackets, so that it is
// restored when it is emptied again: on a line below its key, as templates print it, or with a space
// between the brackets.
func (t *textEdit) keepsBrackets(path string, empty *yaml.Node) bool {
	outer, key := jsonpatch.Cut(path)
	m := lookup(t.root, outer)
	if path == "" || m == nil || m.Kind != yaml.MappingNode {
		return false
	}
	k := keyIndex(m, key)
	return k >= 0 && (m.Content[k].Line < empty.Line || t.tokenEnd(empty)-t.begin(empty) > len("[]"))
}

// fillEmpty replaces an empty collection, the value of a key.
func (t *textEdit) fillEmpty(path string, value *yaml.Node) bool {
	outer, key := jsonpatch.Cut(path)
	m := lookup(t.root, outer)
	if path == "" || m == nil || m.Kind != yaml.MappingNode {
		return false
	}
	k := keyIndex(m, key)
	return k >= 0 && t.replaceEntry(m, k, value)
}

// clear replaces a block collection, the value of a key, by an empty one.
func (t *textEdit) clear(path string, old *yaml.Node, empty string) bool {
	outer, key := jsonpatch.Cut(path)
	m := lookup(t.root, outer)
	if path == "" || m == nil || m.Kind != yaml.MappingNode {
		return false
	}
	k := keyIndex(m, key)
	if k < 0 || old.Content[0].Line <= m.Content[k].Line {
		return false
	}
	node := m.Content[k]
	at := t.colon(node)
	if at >= 0 && old.Anchor != "" {
		at = t.offset(old) + len("&"+old.Anchor)
	}
	return at >= 0 &&
		t.deleteLines(node.Line+1, t.lastLine(old)) &&
		t.replaceText(at, at, " "+empty)
}

// replaceToken replaces a value within a line and keeps its quotes.
func (t *textEdit) replaceToken(old, value *yaml.Node) bool {
	end := t.tokenEnd(old)
	return end >= 0 && !isAbsent(old) && t.replaceText(t.begin(old), end, t.flowLike(old, value))
}
