package yamledit

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

func (t *textEdit) replaceText(from, to int, text string) bool {
	t.text = slices.Replace(t.text, from, to, []byte(text)...)
	return true
}

// insertLines inserts whole lines after a line.
func (t *textEdit) insertLines(after int, lines string) bool {
	at := t.lineEnd(after)
	if bytes.Contains(t.text, []byte("\r\n")) {
		lines = strings.ReplaceAll(lines, "\n", "\r\n")
	}
	if at > 0 && t.text[at-1] != '\n' {
		lines = "\n" + strings.TrimRight(lines, "\r\n") // the text does not end in a newline, and still does not
	}
	return t.replaceText(at, at, lines)
}

// replaceLines replaces lines from..to by others.
func (t *textEdit) replaceLines(from, to int, lines string) bool {
	begin, end := t.lineStarts[from-1], t.lineEnd(to)
	if bytes.Contains(t.text, []byte("\r\n")) {
		lines = strings.ReplaceAll(lines, "\n", "\r\n")
	}
	if t.text[end-1] != '\n' {
		lines = strings.TrimRight(lines, "\r\n")
	}
	return t.replaceText(begin, end, lines)
}

// deleteLines deletes lines from..to.
func (t *textEdit) deleteLines(from, to int) bool {
	begin, end := t.lineStarts[from-1], t.lineEnd(to)
	if end == len(t.text) && end > 0 && t.text[end-1] != '\n' && begin > 0 {
		begin--
	}
	return t.replaceText(begin, end, "")
}

// lineAt returns the line of an offset.
func (t *textEdit) lineAt(offset int) int {
	line, _ := slices.BinarySearch(t.lineStarts, offset+1)
	return line
}

// lineEnd returns the offset after a line.
func (t *textEdit) lineEnd(line int) int {
	if line < len(t.lineStarts) {
		return t.lineStarts[line]
	}
	return len(t.text)
}

// line returns a line without its end.
func (t *textEdit) line(n int) []byte {
	return bytes.TrimRight(t.text[t.lineStarts[n-1]:t.lineEnd(n)], "\r\n")
}

// offset returns where a node begins. The library counts columns in characters.
func (t *textEdit) offset(node *yaml.Node) int {
	at := t.lineStarts[node.Line-1]
	for range node.Column - 1 {
		at += t.width(at)
	}
	return at
}

// width returns the length of the character at an offset. The library has read a pair of surrogates of
// JSON as one.
func (t *textEdit) width(at int) int {
	if t.json && bytes.HasPrefix(t.text[at:], []byte(`\u`)) {
		if pair := surrogates.Find(t.text[at:min(at+12, len(t.text))]); pair != nil {
			return len(pair)
		}
	}
	_, size := utf8.DecodeRune(t.text[at:])
	return size
}

// blankBefore reports whether a line has only spaces before a column.
func (t *textEdit) blankBefore(line, column int) bool {
	text := t.line(line)
	return len(text) >= column-1 && len(bytes.TrimLeft(text[:column-1], " ")) == 0
}

// dashes returns the column of the dashes of a list in block style. The column of a list with an anchor
// is that of the anchor.
func (t *textEdit) dashes(list *yaml.Node) int {
	if list.Anchor != "" && len(list.Content) > 0 {
		if dash := bytes.IndexByte(t.line(list.Content[0].Line), '-'); dash >= 0 {
			return dash + 1
		}
	}
	return list.Column
}

// colon returns the offset after the colon of a key, or -1.
func (t *textEdit) colon(key *yaml.Node) int {
	at := t.tokenEnd(key)
	if at < 0 {
		return -1
	}
	for at < len(t.text) && t.text[at] == ' ' {
		at++
	}
	if at == len(t.text) || t.text[at] != ':' {
		return -1
	}
	return at + 1
}

// endLine returns the last line of nodes in block style. Empty lines at the end are not part of
// them, nor are comments that are not indented deeper than indent.
func (t *textEdit) endLine(nodes []*yaml.Node, indent int) int {
	last := pos{}
	for _, n := range nodes {
		walk(n, func(n *yaml.Node) { last = last.later(n) })
	}
	end := len(t.lineStarts)
	walk(t.root, func(n *yaml.Node) {
		if !isAbsent(n) && last.before(n) {
			end = min(end, n.Line-1)
		}
	})
	for end > last.line && t.isTrailer(t.line(end), indent) {
		end--
	}
	return end
}

// lastLine returns the last line of a node in block style, without comments behind it. They may have
// been there before the node was filled.
func (t *textEdit) lastLine(n *yaml.Node) int { return t.endOf([]*yaml.Node{n}) }

// endOf returns the last line of nodes in block style, without comments behind them.
func (t *textEdit) endOf(nodes []*yaml.Node) int { return t.endLine(nodes, math.MaxInt) }

// isTrailer reports whether a line after a node with an indentation is not part of it.
func (t *textEdit) isTrailer(line []byte, indent int) bool {
	text := bytes.TrimLeft(line, " \t")
	return len(text) == 0 || text[0] == '#' && len(line)-len(text) <= indent || string(text) == "..."
}

// A pos is the position of a node.
type pos struct{ line, column int }

func (p pos) before(n *yaml.Node) bool {
	return p.line < n.Line || p.line == n.Line && p.column < n.Column
}

func (p pos) later(n *yaml.Node) pos {
	if p.before(n) {
		return pos{n.Line, n.Column}
	}
	return p
}
