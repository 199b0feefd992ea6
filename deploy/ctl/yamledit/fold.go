package yamledit

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// copies matches the comments of expand.
var copies = regexp.MustCompile(`# lameduckctl expanded (?:(<<\s*:\s*\*[^\s,]+), keys: (\d+)|(\*\S+))`)

// foldCopies replaces the copies that expand has made by what they were, unless they have changed
// since.
func (e *edit) foldCopies() {
	for _, found := range slices.Backward(copies.FindAllIndex(e.Text, -1)) {
		if t := newTextEdit(e.Document); t.fold(found[0], found[1]) {
			e.accept(t)
		}
	}
}

// fold replaces a copy, with its comment from begin to end, by the alias or the merge that it was.
func (t *textEdit) fold(begin, end int) bool {
	comment := copies.FindSubmatch(t.text[begin:end])
	line := t.lineAt(begin)
	before := bytes.Fields(t.text[t.lineStarts[line-1]:begin])
	switch alias := string(comment[3]); {
	case alias == "":
		keys, err := strconv.Atoi(string(comment[2]))
		column := utf8.RuneCount(t.text[t.lineStarts[line-1]:begin]) + 1
		return err == nil && t.removeAdded(line, column, keys) && t.replaceText(begin, end, string(comment[1]))
	case len(before) == 0:
		return false
	case !isOpen(before[len(before)-1]):
		value := t.valueBefore(line, begin)
		return value != nil && t.replaceText(t.offset(value), end, alias)
	default:
		below := t.firstBelow(line)
		return below != nil && t.deleteLines(line+1, t.lastLine(below)) && t.replaceText(begin, end, alias)
	}
}

// isOpen reports whether the value is on the lines below a line that ends with a word.
func isOpen(word []byte) bool { return bytes.HasSuffix(word, []byte(":")) || string(word) == "-" }

// firstBelow returns the first node that begins below a line, or nil.
func (t *textEdit) firstBelow(line int) (first *yaml.Node) {
	walk(t.root, func(n *yaml.Node) {
		if first == nil && n.Line > line && !isAbsent(n) {
			first = n
		}
	})
	return first
}

// valueBefore returns the value of a line that ends at an offset, or nil.
func (t *textEdit) valueBefore(line, offset int) (value *yaml.Node) {
	walk(t.root, func(n *yaml.Node) {
		if value != nil || n.Line != line || t.offset(n) >= offset {
			return
		}
		end := t.tokenEnd(n)
		if end >= 0 && end <= offset && len(bytes.TrimSpace(t.text[end:offset])) == 0 {
			value = n
		}
	})
	return value
}

// removeAdded removes the keys that the expansion of a merge has added below its line.
func (t *textEdit) removeAdded(line, column, keys int) bool {
	if keys == 0 {
		return true
	}
	var added []*yaml.Node
	walk(t.root, func(m *yaml.Node) {
		for k := 0; m.Kind == yaml.MappingNode && added == nil && k+2*keys <= len(m.Content); k += 2 {
			if key := m.Content[k]; key.Line == line+1 && key.Column == column {
				added = m.Content[k : k+2*keys]
			}
		}
	})
	return added != nil && t.deleteLines(line+1, t.endOf(added))
}
