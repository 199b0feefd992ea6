package manifest

import (
	"bytes"
	"encoding/json"
	"strings"

	"go.yaml.in/yaml/v3"
)

// block returns a node as lines with an indentation.
func (s *splice) block(node *yaml.Node, indent int) string {
	text, err := encode(node, s.compact)
	if err != nil {
		return ""
	}
	var lines strings.Builder
	for line := range bytes.Lines(text) {
		if len(bytes.TrimSpace(line)) > 0 {
			lines.WriteString(strings.Repeat(" ", indent))
		}
		lines.Write(line)
	}
	return lines.String()
}

// blockBehind returns a collection as the lines below its key.
func (s *splice) blockBehind(key, value *yaml.Node) string {
	indent := key.Column - 1
	if value.Kind == yaml.MappingNode || !s.compact {
		indent += 2
	}
	return s.block(value, indent)
}

// flowLike returns a node as text within a line, in the quotes of another one.
func (s *splice) flowLike(old, value *yaml.Node) string {
	quotes := old.Style & (yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle)
	if s.json || quotes == 0 || value.Tag != "!!str" {
		return s.flow(value)
	}
	n := *value
	n.Style = quotes
	text, err := encode(&n, false)
	if err != nil {
		return s.flow(value)
	}
	return strings.TrimRight(string(text), "\n")
}

// flow returns a node as text within a line.
func (s *splice) flow(node *yaml.Node) string {
	if s.json {
		var value any
		if node.Decode(&value) != nil {
			return ""
		}
		text, _ := json.Marshal(value)
		return string(text)
	}
	n := copied(node)
	restyle(n, yaml.FlowStyle)
	text, err := encode(n, false)
	if err != nil {
		return ""
	}
	return strings.TrimRight(string(text), "\n")
}

// flowEntry returns a key and a value as text within a line.
func (s *splice) flowEntry(key string, value *yaml.Node) string {
	return s.flow(keyNode(key)) + ": " + s.flow(value)
}

// insertInFlow adds an element to a collection in flow style, in front of the one at i.
func (s *splice) insertInFlow(c *yaml.Node, i int, text string) bool {
	if i < len(c.Content) {
		at := s.offset(c.Content[i])
		return s.replaceText(at, at, text+", ")
	}
	end := s.tokenEnd(c)
	if end < 0 {
		return false
	}
	at := len(bytes.TrimRight(s.text[:end-1], " \t\r\n"))
	switch s.text[at-1] {
	case '{', '[':
	case ',':
		text = " " + text
	default:
		text = ", " + text
	}
	return s.replaceText(at, at, text)
}

// removeFromFlow takes nodes out of a collection in flow style.
func (s *splice) removeFromFlow(c *yaml.Node, from, to int) bool {
	begin, end := s.offset(c.Content[from]), s.tokenEnd(c.Content[to-1])
	switch {
	case end < 0:
		return false
	case to < len(c.Content):
		end = s.offset(c.Content[to])
	case from > 0:
		if begin = s.tokenEnd(c.Content[from-1]); begin < 0 {
			return false
		}
	}
	return s.replaceText(begin, end, "")
}

// tokenEnd returns the offset behind a node that stands within a line or between brackets, or -1.
func (s *splice) tokenEnd(n *yaml.Node) int {
	at := s.offset(n)
	rest := s.text[at:]
	switch {
	case n.Anchor != "":
		return -1
	case isCollection(n) && isFlow(n):
		return s.closing(at)
	case isCollection(n):
		return -1
	case n.Style&yaml.DoubleQuotedStyle != 0 || n.Style&yaml.SingleQuotedStyle != 0:
		return quoted(s.text, at)
	case n.Style == 0 && bytes.HasPrefix(rest, []byte(n.Value)):
		return at + len(n.Value)
	}
	return -1
}

// closing returns the offset behind the bracket that closes the one at an offset, or -1.
func (s *splice) closing(at int) int {
	depth := 0
	for i := at; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case (c == '"' || c == '\'') && beginsScalar(s.text[:i]):
			if i = quoted(s.text, i) - 1; i < 0 {
				return -1
			}
		case c == '#' && i > 0 && (s.text[i-1] == ' ' || s.text[i-1] == '\n'):
			for i+1 < len(s.text) && s.text[i+1] != '\n' {
				i++
			}
		}
	}
	return -1
}

// beginsScalar says whether a quote behind this text opens a scalar.
func beginsScalar(before []byte) bool {
	before = bytes.TrimRight(before, " \t\r\n")
	return len(before) > 0 && bytes.IndexByte([]byte("{[,:"), before[len(before)-1]) >= 0
}

// quoted returns the offset behind the quoted scalar at an offset, or -1.
func quoted(text []byte, at int) int {
	quote := text[at]
	for i := at + 1; i < len(text); i++ {
		switch {
		case quote == '"' && text[i] == '\\':
			i++
		case text[i] == quote && quote == '\'' && i+1 < len(text) && text[i+1] == quote:
			i++
		case text[i] == quote:
			return i + 1
		}
	}
	return -1
}
