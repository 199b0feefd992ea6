package manifest

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"lameduck/deploy/ctl/inject"
)

// A splice changes the text of a document at the place that an operation is about, and nothing else of it. It knows the layouts that people
// write; where it meets another one it says so, and the document is written anew. What it has written is compared with what was wanted, so that
// nothing here has to be right for every layout that YAML allows.
type splice struct {
	text    []byte
	root    *yaml.Node
	begins  []int // offset of each line
	compact bool  // dashes stand below the first letter of their key
	json    bool  // it is JSON: keys and strings have quotes
}

func newSplice(text []byte, root *yaml.Node) *splice {
	s := &splice{text: slices.Clone(text), root: root, begins: []int{0}, compact: isCompact(root), json: isFlow(root)}
	for i, c := range text {
		if c == '\n' {
			s.begins = append(s.begins, i+1)
		}
	}
	return s
}

func isFlow(n *yaml.Node) bool { return n.Style&yaml.FlowStyle != 0 }
func isCollection(n *yaml.Node) bool {
	return n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode
}

// apply returns false if it does not know how.
func (s *splice) apply(op inject.Operation) bool {
	path, step := cutPath(op.Path)
	parent := lookup(s.root, path)
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
		return s.applyToSequence(path, parent, step, op.Op, value)
	}
	return parent.Kind == yaml.MappingNode && s.applyToMapping(path, parent, step, op.Op, value)
}

func (s *splice) applyToMapping(path string, m *yaml.Node, key, op string, value *yaml.Node) bool {
	k := keyIndex(m, key)
	switch {
	case op == "remove":
		return k >= 0 && s.removeEntry(path, m, k)
	case k >= 0:
		return s.replaceEntry(m, k, value)
	case len(m.Content) == 0 && !s.json:
		entry := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{keyNode(key), value}}
		return s.fill(path, entry)
	case isFlow(m):
		return s.insertInFlow(m, len(m.Content), s.flowEntry(key, value))
	}
	last := len(m.Content) - 2
	indent := m.Content[0].Column - 1
	entry := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{keyNode(key), value}}
	return s.insertLines(s.endLine(m.Content[last:last+2], indent), s.block(entry, indent))
}

func (s *splice) applyToSequence(path string, list *yaml.Node, step, op string, value *yaml.Node) bool {
	i, err := strconv.Atoi(step)
	if step == "-" {
		i, err = len(list.Content), nil
	}
	if err != nil || i < 0 || i > len(list.Content) {
		return false
	}
	switch {
	case op == "remove":
		return i < len(list.Content) && s.removeItem(path, list, i)
	case op == "replace":
		return s.replaceItem(list, i, value)
	case len(list.Content) == 0 && !s.json:
		return s.fill(path, &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{value}})
	case isFlow(list):
		return s.insertInFlow(list, i, s.flow(value))
	}
	return s.insertItem(list, i, value)
}

// insertItem adds an element to a list in block style.
func (s *splice) insertItem(list *yaml.Node, i int, value *yaml.Node) bool {
	indent := list.Column - 1
	item := s.block(&yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{value}}, indent)
	if i == len(list.Content) {
		return s.insertLines(s.endLine(list.Content[i-1:], indent), item)
	}
	line := list.Content[i].Line
	return s.blankBefore(line, list.Column) && s.insertLines(line-1, item)
}

// replaceItem writes another element in the place of one.
func (s *splice) replaceItem(list *yaml.Node, i int, value *yaml.Node) bool {
	old := list.Content[i]
	if isFlow(list) || old.Kind == yaml.ScalarNode {
		return s.replaceToken(old, value)
	}
	indent := list.Column - 1
	end := s.endLine([]*yaml.Node{old}, indent)
	item := s.block(&yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{value}}, indent)
	return s.blankBefore(old.Line, list.Column) && s.replaceLines(old.Line, end, item)
}

func (s *splice) removeItem(path string, list *yaml.Node, i int) bool {
	item := list.Content[i]
	switch {
	case isFlow(list):
		return s.removeFromFlow(list, i, i+1)
	case len(list.Content) == 1:
		return s.empty(path, list, "[]")
	}
	return s.blankBefore(item.Line, list.Column) && s.deleteLines(item.Line, s.endLine([]*yaml.Node{item}, list.Column-1))
}

// replaceEntry writes another value behind a key.
func (s *splice) replaceEntry(m *yaml.Node, k int, value *yaml.Node) bool {
	key, old := m.Content[k], m.Content[k+1]
	switch {
	case isFlow(m) || !isCollection(value) && !isAbsent(old):
		return s.replaceToken(old, value)
	case !isCollection(value):
		colon := s.colon(key)
		return colon >= 0 && s.replaceText(colon, colon, " "+s.flow(value))
	case isAbsent(old):
		return s.insertLines(key.Line, s.blockBehind(key, value))
	case isCollection(old) && len(old.Content) > 0:
		return false
	}
	// The token of an empty value goes, and the lines come below. What else is on the line, a comment, stays.
	at, end := s.offset(old), s.tokenEnd(old)
	if end < 0 || old.Line != key.Line {
		return false
	}
	block := s.blockBehind(key, value)
	return s.insertLines(key.Line, block) && s.replaceText(len(bytes.TrimRight(s.text[:at], " ")), end, "")
}

// removeEntry takes a key and its value out.
func (s *splice) removeEntry(path string, m *yaml.Node, k int) bool {
	key := m.Content[k]
	switch {
	case isFlow(m):
		return s.removeFromFlow(m, k, k+2)
	case len(m.Content) == 2:
		return s.empty(path, m, "{}")
	case !s.blankBefore(key.Line, key.Column):
		// It stands behind a dash: the next one takes its place.
		return k+2 < len(m.Content) && s.replaceText(s.offset(key), s.offset(m.Content[k+2]), "")
	}
	return s.deleteLines(key.Line, s.endLine(m.Content[k:k+2], key.Column-1))
}

// fill lets an empty collection, which stands behind a key, have something.
func (s *splice) fill(path string, value *yaml.Node) bool {
	outer, step := cutPath(path)
	m := lookup(s.root, outer)
	if path == "" || m == nil || m.Kind != yaml.MappingNode {
		return false
	}
	k := keyIndex(m, step)
	return k >= 0 && s.replaceEntry(m, k, value)
}

// empty takes all out of a collection, which stands behind a key.
func (s *splice) empty(path string, old *yaml.Node, nothing string) bool {
	outer, step := cutPath(path)
	m := lookup(s.root, outer)
	if path == "" || m == nil || m.Kind != yaml.MappingNode {
		return false
	}
	k := keyIndex(m, step)
	if k < 0 || old.Line <= m.Content[k].Line {
		return false
	}
	key := m.Content[k]
	colon := s.colon(key)
	return colon >= 0 && s.deleteLines(key.Line+1, s.endLine(m.Content[k:k+2], key.Column-1)) && s.replaceText(colon, colon, " "+nothing)
}

// replaceToken writes a value over one that stands within a line, in the same quotes.
func (s *splice) replaceToken(old, value *yaml.Node) bool {
	end := s.tokenEnd(old)
	return end >= 0 && !isAbsent(old) && s.replaceText(s.offset(old), end, s.flowLike(old, value))
}

func (s *splice) replaceText(from, to int, text string) bool {
	s.text = slices.Replace(s.text, from, to, []byte(text)...)
	return true
}

// insertLines puts whole lines behind a line.
func (s *splice) insertLines(after int, lines string) bool {
	at := s.lineEnd(after)
	if bytes.Contains(s.text, []byte("\r\n")) {
		lines = strings.ReplaceAll(lines, "\n", "\r\n")
	}
	if at > 0 && s.text[at-1] != '\n' {
		lines = "\n" + strings.TrimRight(lines, "\r\n") // the text has no end of line at its end, and keeps it so
	}
	return s.replaceText(at, at, lines)
}

// replaceLines puts whole lines in the place of others.
func (s *splice) replaceLines(from, to int, lines string) bool {
	begin, end := s.begins[from-1], s.lineEnd(to)
	if bytes.Contains(s.text, []byte("\r\n")) {
		lines = strings.ReplaceAll(lines, "\n", "\r\n")
	}
	if s.text[end-1] != '\n' {
		lines = strings.TrimRight(lines, "\r\n")
	}
	return s.replaceText(begin, end, lines)
}

// deleteLines takes lines out, the last one too.
func (s *splice) deleteLines(from, to int) bool {
	begin, end := s.begins[from-1], s.lineEnd(to)
	if end == len(s.text) && end > 0 && s.text[end-1] != '\n' && begin > 0 {
		begin--
	}
	return s.replaceText(begin, end, "")
}

// lineEnd returns the offset behind a line.
func (s *splice) lineEnd(line int) int {
	if line < len(s.begins) {
		return s.begins[line]
	}
	return len(s.text)
}

// line returns the text of one.
func (s *splice) line(n int) []byte {
	return bytes.TrimRight(s.text[s.begins[n-1]:s.lineEnd(n)], "\r\n")
}

// offset returns where a node begins. Columns count characters.
func (s *splice) offset(node *yaml.Node) int {
	at := s.begins[node.Line-1]
	for range node.Column - 1 {
		_, size := utf8.DecodeRune(s.text[at:])
		at += size
	}
	return at
}

// blankBefore says whether a line has only spaces in front of a column.
func (s *splice) blankBefore(line, column int) bool {
	text := s.line(line)
	return len(text) >= column-1 && len(bytes.TrimLeft(text[:column-1], " ")) == 0
}

// colon returns the offset behind the colon of a key, or -1.
func (s *splice) colon(key *yaml.Node) int {
	at := s.tokenEnd(key)
	if at < 0 {
		return -1
	}
	for at < len(s.text) && s.text[at] == ' ' {
		at++
	}
	if at == len(s.text) || s.text[at] != ':' {
		return -1
	}
	return at + 1
}

// endLine returns the last line of nodes in block style: the one in front of what comes next, without the empty lines and the comments that
// do not belong to them by their indentation.
func (s *splice) endLine(nodes []*yaml.Node, indent int) int {
	last := place{}
	for _, n := range nodes {
		walk(n, func(n *yaml.Node) { last = last.later(n) })
	}
	end := len(s.begins)
	walk(s.root, func(n *yaml.Node) {
		if !isAbsent(n) && last.before(n) {
			end = min(end, n.Line-1)
		}
	})
	for end > last.line && s.outside(s.line(end), indent) {
		end--
	}
	return end
}

// outside says whether a line is none of a node's with that indentation.
func (s *splice) outside(line []byte, indent int) bool {
	text := bytes.TrimLeft(line, " \t")
	return len(text) == 0 || text[0] == '#' && len(line)-len(text) <= indent || string(text) == "..."
}

// A place is that of a node.
type place struct{ line, column int }

func (p place) before(n *yaml.Node) bool {
	return p.line < n.Line || p.line == n.Line && p.column < n.Column
}

func (p place) later(n *yaml.Node) place {
	if p.before(n) {
		return place{n.Line, n.Column}
	}
	return p
}

func walk(node *yaml.Node, visit func(*yaml.Node)) {
	visit(node)
	for _, c := range node.Content {
		walk(c, visit)
	}
}

// isAbsent says whether there is nothing behind a key.
func isAbsent(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Style == 0 && n.Anchor == ""
}

func keyNode(key string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(key)
	return n
}
