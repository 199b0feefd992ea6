package yamledit

import (
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"lameduck/deploy/ctl/jsonpatch"
)

const mergeTag = "!!merge"

// lookup returns the value at a JSON Pointer with aliases resolved, or nil.
func lookup(node *yaml.Node, pointer string) *yaml.Node {
	for _, token := range jsonpatch.Tokens(pointer) {
		if node = child(resolve(node), token); node == nil {
			return nil
		}
	}
	return resolve(node)
}

// resolve follows aliases to the node that they refer to.
func resolve(node *yaml.Node) *yaml.Node {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return node
}

// child returns the element of a list, or the value of a mapping's key, own or merged.
func child(node *yaml.Node, token string) *yaml.Node {
	switch node.Kind {
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(token); err == nil && i >= 0 && i < len(node.Content) {
			return node.Content[i]
		}
	case yaml.MappingNode:
		if k := keyIndex(node, token); k >= 0 {
			return node.Content[k+1]
		}
		for _, m := range merged(node) {
			if v := child(m, token); v != nil {
				return v
			}
		}
	}
	return nil
}

// keyIndex returns the index of a mapping's own key, or -1.
func keyIndex(mapping *yaml.Node, key string) int {
	for k := 0; k+1 < len(mapping.Content); k += 2 {
		if n := mapping.Content[k]; n.Kind == yaml.ScalarNode && n.Value == key && n.Tag != mergeTag {
			return k
		}
	}
	return -1
}

// merged returns the mappings that are merged into one, in order of precedence.
func merged(mapping *yaml.Node) []*yaml.Node {
	var all []*yaml.Node
	for k := 0; k+1 < len(mapping.Content); k += 2 {
		if mapping.Content[k].Tag != mergeTag {
			continue
		}
		if v := resolve(mapping.Content[k+1]); v.Kind == yaml.SequenceNode {
			for _, m := range v.Content {
				all = append(all, resolve(m))
			}
		} else {
			all = append(all, v)
		}
	}
	return all
}

// quotesOf returns the quotes of a scalar as a style, or 0 if it has none.
func quotesOf(n *yaml.Node) yaml.Style {
	return n.Style & (yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle)
}

func isFlow(n *yaml.Node) bool { return n.Style&yaml.FlowStyle != 0 }

func isCollection(n *yaml.Node) bool {
	return n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode
}

// isAbsent reports whether a value is missing, as in "key:".
func isAbsent(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Style == 0 && n.Anchor == ""
}

// isNull reports whether a value is null, with or without a text.
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func keyNode(key string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(key)
	return n
}

func mappingNode(key string, value *yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{keyNode(key), value}}
}

func sequenceNode(value *yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{value}}
}

// walk visits a node and all nodes below it. It does not follow aliases.
func walk(node *yaml.Node, visit func(*yaml.Node)) {
	visit(node)
	for _, c := range node.Content {
		walk(c, visit)
	}
}

// cloneTree returns a deep copy in which aliases refer to nodes of the copy.
func cloneTree(node *yaml.Node) *yaml.Node {
	clones := make(map[*yaml.Node]*yaml.Node)
	root := cloneNode(node, clones)
	for _, c := range clones {
		if c.Kind == yaml.AliasNode {
			c.Alias = clones[c.Alias]
		}
	}
	return root
}

func cloneNode(node *yaml.Node, clones map[*yaml.Node]*yaml.Node) *yaml.Node {
	c := *node
	c.Content = nil
	for _, child := range node.Content {
		c.Content = append(c.Content, cloneNode(child, clones))
	}
	clones[node] = &c
	return &c
}

// expandAliases returns a deep copy in which aliases and merges are replaced by their values.
func expandAliases(node *yaml.Node) *yaml.Node {
	node = resolve(node)
	c := *node
	c.Anchor, c.Content = "", nil
	if node.Kind != yaml.MappingNode {
		for _, child := range node.Content {
			c.Content = append(c.Content, expandAliases(child))
		}
		return &c
	}
	for k := 0; k+1 < len(node.Content); k += 2 {
		if node.Content[k].Tag != mergeTag {
			c.Content = append(c.Content, expandAliases(node.Content[k]), expandAliases(node.Content[k+1]))
		}
	}
	for _, m := range merged(node) {
		for pair := range slices.Chunk(expandAliases(m).Content, 2) {
			if keyIndex(&c, pair[0].Value) < 0 {
				c.Content = append(c.Content, pair...)
			}
		}
	}
	return &c
}
