package yamledit

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// expanded begins the comment at a copy of an anchor's value. The alias or the merge that was there
// follows, and the number of keys that a merge had added. See fold.
const expanded = "# lameduckctl expanded "

// setApart gives the place at a pointer a value of its own, so that a change there changes no other
// place. It returns false if it does not know the layout.
func (e *edit) setApart(pointer string) bool {
	for {
		u, shared := userAt(e.Root, pointer)
		if !shared {
			return true
		}
		t := newTextEdit(e.Document)
		if !t.expand(u) || !e.accept(t) {
			return false
		}
	}
}

// accept takes the text of an edit if it has the same value as the text before.
func (e *edit) accept(t *textEdit) bool {
	root, err := parseNode(t.text)
	if err != nil || root == nil || !equal(root, e.Root) {
		return false
	}
	e.Text, e.Root = t.text, root
	return true
}

// expand replaces a user of an anchor by a copy of the value, with a comment for fold.
func (t *textEdit) expand(u user) bool {
	if u.alias.Kind != yaml.AliasNode {
		return false
	}
	value := plain(u.alias)
	if u.into != nil {
		return t.expandMerge(u, value)
	}
	begin, alias := t.offset(u.alias), "*"+u.alias.Value
	end := begin + len(alias)
	if !t.endsLine(end) {
		return false
	}
	if value.Kind == yaml.ScalarNode {
		text, err := encode(value, false)
		line := strings.TrimSuffix(string(text), "\n")
		return err == nil && !strings.Contains(line, "\n") &&
			t.replaceText(begin, end, line+" "+expanded+alias)
	}
	lines := t.block(value, u.alias.Column-1)
	if u.key != nil {
		lines = t.blockBelow(u.key, value)
	}
	return t.insertLines(u.alias.Line, lines) && t.replaceText(begin, end, expanded+alias)
}

// expandMerge replaces a merge by the keys that it adds to the mapping.
func (t *textEdit) expandMerge(u user, value *yaml.Node) bool {
	begin, end := t.offset(u.key), t.offset(u.alias)+len("*"+u.alias.Value)
	isOnly := slices.Contains(u.into.Content, u.alias) // it is not in a list
	if !isOnly || u.key.Line != u.alias.Line || !t.endsLine(end) || value.Kind != yaml.MappingNode {
		return false
	}
	added := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for entry := range slices.Chunk(value.Content, 2) {
		if keyIndex(u.into, entry[0].Value) < 0 {
			added.Content = append(added.Content, entry...)
		}
	}
	keys := len(added.Content) / 2
	comment := fmt.Sprintf("%s%s, keys: %d", expanded, t.text[begin:end], keys)
	return (keys == 0 || t.insertLines(u.key.Line, t.block(added, u.key.Column-1))) &&
		t.replaceText(begin, end, comment)
}

// endsLine reports whether there is nothing behind an offset in its line, or only a comment.
func (t *textEdit) endsLine(offset int) bool {
	rest, _, _ := bytes.Cut(t.text[offset:], []byte("\n"))
	rest = bytes.TrimSpace(rest)
	return len(rest) == 0 || rest[0] == '#'
}

// plain returns the value of a node without aliases and comments.
func plain(node *yaml.Node) *yaml.Node {
	value := expandAliases(node)
	walk(value, func(n *yaml.Node) { n.HeadComment, n.LineComment, n.FootComment = "", "", "" })
	return value
}
