package yamledit

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Words of YAML 1.1 for true and false.
var (
	wordsForTrue  = []string{"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"}
	wordsForFalse = []string{"n", "N", "no", "No", "NO", "off", "Off", "OFF"}
)

// Value returns the value of a node as kubectl reads it: keys are texts, and so are dates. With words,
// a word without quotes such as yes or off is true or false, as in YAML 1.1.
func Value(node *yaml.Node, words bool) (value any, err error) {
	r := reading{words, make(map[*yaml.Node]*yaml.Node)}
	err = r.copyOf(node).Decode(&value)
	return value, err
}

// A reading is a copy of a tree with other types.
type reading struct {
	words  bool
	copies map[*yaml.Node]*yaml.Node
}

// copyOf returns the copy of a node, in which aliases refer to copies.
func (r reading) copyOf(node *yaml.Node) *yaml.Node {
	if node == nil || r.copies[node] != nil {
		return r.copies[node]
	}
	c := *node
	r.copies[node] = &c
	c.Alias, c.Content = r.copyOf(node.Alias), slices.Clone(node.Content)
	for i, child := range c.Content {
		c.Content[i] = r.copyOf(child)
		if node.Kind == yaml.MappingNode && i%2 == 0 {
			makeKeyText(c.Content[i])
		}
	}
	if node.Kind == yaml.ScalarNode {
		r.retype(&c)
	}
	return &c
}

// makeKeyText makes a key that is a number, a date or a truth value a text.
func makeKeyText(key *yaml.Node) {
	var value any
	switch key.ShortTag() {
	case "!!int", "!!float", "!!bool":
		if key.Decode(&value) == nil {
			key.Tag, key.Value = "!!str", fmt.Sprint(value)
		}
	}
}

// retype makes a date a text, and a word true or false.
func (r reading) retype(scalar *yaml.Node) {
	switch {
	case scalar.ShortTag() == "!!timestamp":
		scalar.Tag = "!!str"
	case !r.words || scalar.Style != 0 || scalar.ShortTag() != "!!str":
	case slices.Contains(wordsForTrue, scalar.Value):
		scalar.Tag, scalar.Value = "!!bool", "true"
	case slices.Contains(wordsForFalse, scalar.Value):
		scalar.Tag, scalar.Value = "!!bool", "false"
	}
}
