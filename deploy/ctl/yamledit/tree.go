package yamledit

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"lameduck/deploy/ctl/jsonpatch"
)

var (
	errNoParent = errors.New("the parent does not exist")
	errNoValue  = errors.New("no such value")
)

// patchTree applies an operation to a tree.
func patchTree(root *yaml.Node, op jsonpatch.Operation) error {
	path, step := jsonpatch.Cut(op.Path)
	parent := lookup(root, path)
	if parent == nil {
		return errNoParent
	}
	var value *yaml.Node
	if op.Op != "remove" {
		var err error
		if value, err = valueNode(op.Value); err != nil {
			return err
		}
	}
	switch parent.Kind {
	case yaml.MappingNode:
		return patchMapping(parent, step, op.Op, value)
	case yaml.SequenceNode:
		return patchSequence(parent, step, op.Op, value)
	}
	return errNoParent
}

func patchMapping(m *yaml.Node, key, op string, value *yaml.Node) error {
	k := keyIndex(m, key)
	switch {
	case op == "remove" && k >= 0:
		m.Content = slices.Delete(m.Content, k, k+2)
	case op == "remove" || op == "replace" && k < 0:
		return errNoValue
	case k >= 0:
		m.Content[k+1] = value
	default:
		m.Content = append(m.Content, keyNode(key), value)
	}
	return nil
}

func patchSequence(s *yaml.Node, step, op string, value *yaml.Node) error {
	i, err := strconv.Atoi(step)
	if step == "-" && op == "add" {
		i, err = len(s.Content), nil
	}
	switch {
	case err != nil || i < 0 || i > len(s.Content) || i == len(s.Content) && op != "add":
		return errNoValue
	case op == "remove":
		s.Content = slices.Delete(s.Content, i, i+1)
	case op == "replace":
		s.Content[i] = value
	default:
		s.Content = slices.Insert(s.Content, i, value)
	}
	return nil
}

// valueNode returns a value as a node in block style. Fields keep the order of the Go type.
func valueNode(value any) (*yaml.Node, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	node, err := parseNode(text)
	if err == nil {
		restyle(node, 0)
	}
	if err != nil {
		return nil, err
	}
	switch value := value.(type) {
	case jsonpatch.Quoted:
		node.Style = quoteStyle(value.Quote)
	case jsonpatch.Null:
		node.Value = value.Text
	}
	return node, nil
}

// quoteStyle returns the style of a scalar in quotes.
func quoteStyle(quote string) yaml.Style {
	switch quote {
	case `"`:
		return yaml.DoubleQuotedStyle
	case "'":
		return yaml.SingleQuotedStyle
	}
	return 0
}

// restyle sets the style of all collections of a tree, and the default style of its scalars.
func restyle(node *yaml.Node, style yaml.Style) {
	node.Style = style
	if node.Kind == yaml.ScalarNode {
		node.Style = 0
	}
	for _, c := range node.Content {
		restyle(c, style)
	}
}

// encode returns a node as YAML. With compact, the dashes of a list are not indented below its key.
func encode(node *yaml.Node, compact bool) ([]byte, error) {
	var text bytes.Buffer
	e := yaml.NewEncoder(&text)
	e.SetIndent(2)
	if compact {
		e.CompactSeqIndent()
	}
	if err := e.Encode(node); err != nil {
		return nil, err
	}
	return text.Bytes(), e.Close()
}

// hasCompactLists reports whether the first list below a key is not indented.
func (d Document) hasCompactLists() bool {
	if d.compact != nil {
		return *d.compact
	}
	compact, _ := seqIndent(d.Root)
	return compact
}

// dashColumn returns the column of the dashes of a list. If the list has an anchor, which determines
// its column, the dashes are in front of the elements.
func dashColumn(list *yaml.Node) int {
	if list.Anchor != "" && len(list.Content) > 0 {
		return list.Content[0].Column - len("- ")
	}
	return list.Column
}

func seqIndent(node *yaml.Node) (compact, found bool) {
	if node == nil || node.Style&yaml.FlowStyle != 0 {
		return false, false
	}
	for i, c := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 1 && c.Kind == yaml.SequenceNode && c.Style&yaml.FlowStyle == 0 {
			return dashColumn(c) == node.Content[i-1].Column, true
		}
		if compact, found := seqIndent(c); found {
			return compact, found
		}
	}
	return false, false
}
