package yamledit

import (
	"bytes"
	"encoding/json"
	"strings"

	"go.yaml.in/yaml/v3"
)

// block returns a node as lines, indented.
func (t *textEdit) block(node *yaml.Node, indent int) string {
	text, err := encode(node, t.compact)
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

// blockBelow returns a collection as the lines below its key.
func (t *textEdit) blockBelow(key, value *yaml.Node) string {
	indent := key.Column - 1
	if value.Kind == yaml.MappingNode || !t.compact {
		indent += 2
	}
	return t.block(value, indent)
}

// flowLike returns a node as text within a line, in the quotes of the old one.
func (t *textEdit) flowLike(old, value *yaml.Node) string {
	quotes := quotesOf(value)
	if quotes == 0 {
		quotes = quotesOf(old)
	}
	if t.json || quotes == 0 || value.Tag != "!!str" {
		return t.flow(value)
	}
	n := *value
	n.Style = quotes
	text, err := encode(&n, false)
	if err != nil {
		return t.flow(value)
	}
	return strings.TrimRight(string(text), "\n")
}

// flow returns a node as text within a line.
func (t *textEdit) flow(node *yaml.Node) string {
	if t.json {
		var value any
		if node.Decode(&value) != nil {
			return ""
		}
		text, _ := json.Marshal(value)
		return string(text)
	}
	n := cloneTree(node)
	restyle(n, yaml.FlowStyle)
	text, err := encode(n, false)
	if err != nil {
		return ""
	}
	return strings.TrimRight(string(text), "\n")
}

// flowEntry returns a key and a value as text within a line.
func (t *textEdit) flowEntry(key string, value *yaml.Node) string {
	return t.flow(keyNode(key)) + ": " + t.flowWithin(value)
}

// flowWithin returns a node as text between brackets, where a comma and brackets need quotes.
func (t *textEdit) flowWithin(node *yaml.Node) string {
	if t.json {
		return t.flow(node)
	}
	text := t.flow(sequenceNode(node))
	return strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
}

// insertInFlow inserts text into a collection in flow style, in front of the node at i.
func (t *textEdit) insertInFlow(c *yaml.Node, i int, text string) bool {
	if i < len(c.Content) {
		at := t.offset(c.Content[i])
		return t.replaceText(at, at, text+", ")
	}
	end := t.tokenEnd(c)
	if end < 0 {
		return false
	}
	at := len(bytes.TrimRight(t.text[:end-1], " \t\r\n"))
	switch t.text[at-1] {
	case '{', '[':
	case ',': // a trailing comma, which stays one
		text = " " + text + ","
	default:
		text = ", " + text
	}
	return t.replaceText(at, at, text)
}

// removeFromFlow removes the nodes from..to of a collection in flow style.
func (t *textEdit) removeFromFlow(c *yaml.Node, from, to int) bool {
	begin, end := t.offset(c.Content[from]), t.tokenEnd(c.Content[to-1])
	switch {
	case end < 0:
		return false
	case to < len(c.Content):
		end = t.offset(c.Content[to])
	case from > 0:
		if begin = t.tokenEnd(c.Content[from-1]); begin < 0 {
			return false
		}
	}
	return t.replaceText(begin, end, "")
}
