package yamledit

import (
	"bytes"

	"go.yaml.in/yaml/v3"
)

// begin returns the offset of a value, after its anchor.
func (t *textEdit) begin(n *yaml.Node) int {
	at := t.offset(n)
	if rest, is := bytes.CutPrefix(t.text[at:], []byte("&"+n.Anchor)); is && n.Anchor != "" {
		at = len(t.text) - len(bytes.TrimLeft(rest, " "))
	}
	return at
}

// tokenEnd returns the offset after a scalar or a flow collection, or -1 for other nodes.
func (t *textEdit) tokenEnd(n *yaml.Node) int {
	at := t.begin(n)
	rest := t.text[at:]
	switch {
	case isCollection(n) && isFlow(n):
		return t.closingBracket(at)
	case isCollection(n):
		return -1
	case n.Style&yaml.DoubleQuotedStyle != 0 || n.Style&yaml.SingleQuotedStyle != 0:
		return quotedEnd(t.text, at)
	case n.Style == 0 && bytes.HasPrefix(rest, []byte(n.Value)):
		return at + len(n.Value)
	}
	return -1
}

// closingBracket returns the offset after the bracket that closes the one at an offset, or -1.
func (t *textEdit) closingBracket(at int) int {
	depth := 0
	for i := at; i < len(t.text); i++ {
		switch c := t.text[i]; {
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case (c == '"' || c == '\'') && beginsScalar(t.text[:i]):
			if i = quotedEnd(t.text, i) - 1; i < 0 {
				return -1
			}
		case c == '#' && i > 0 && (t.text[i-1] == ' ' || t.text[i-1] == '\n'):
			for i+1 < len(t.text) && t.text[i+1] != '\n' {
				i++
			}
		}
	}
	return -1
}

// beginsScalar reports whether a quote after this text opens a scalar.
func beginsScalar(before []byte) bool {
	before = bytes.TrimRight(before, " \t\r\n")
	return len(before) > 0 && bytes.IndexByte([]byte("{[,:"), before[len(before)-1]) >= 0
}

// quotedEnd returns the offset after the quoted scalar at an offset, or -1.
func quotedEnd(text []byte, at int) int {
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
