package manifest

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// touchesAlias says whether a change at a path would go through an alias or a merge, or into what one refers to.
func touchesAlias(root *yaml.Node, pointer string) bool {
	aliased := make(map[*yaml.Node]bool)
	collectAliased(root, aliased)
	if len(aliased) == 0 {
		return false
	}
	node := root
	for _, step := range steps(pointer) {
		if aliased[node] || node.Kind == yaml.AliasNode {
			return true
		}
		next := child(node, step)
		if next == nil {
			return false
		}
		if node.Kind == yaml.MappingNode && keyIndex(node, step) < 0 {
			return true // it is merged into this one
		}
		node = next
	}
	return aliased[node] || node.Kind == yaml.AliasNode
}

func collectAliased(node *yaml.Node, aliased map[*yaml.Node]bool) {
	if node.Kind == yaml.AliasNode {
		aliased[node.Alias] = true
		return
	}
	for _, c := range node.Content {
		collectAliased(c, aliased)
	}
}

// copied returns a tree of its own, with the aliases in it.
func copied(node *yaml.Node) *yaml.Node {
	originals := make(map[*yaml.Node]*yaml.Node)
	root := copyNode(node, originals)
	for _, c := range originals {
		if c.Kind == yaml.AliasNode {
			c.Alias = originals[c.Alias]
		}
	}
	return root
}

func copyNode(node *yaml.Node, originals map[*yaml.Node]*yaml.Node) *yaml.Node {
	c := *node
	c.Content = nil
	for _, child := range node.Content {
		c.Content = append(c.Content, copyNode(child, originals))
	}
	originals[node] = &c
	return &c
}

// exploded returns a tree of its own, with what aliases and merges stand for in their place.
func exploded(node *yaml.Node) *yaml.Node {
	node = resolve(node)
	c := *node
	c.Anchor, c.Content = "", nil
	if node.Kind != yaml.MappingNode {
		for _, child := range node.Content {
			c.Content = append(c.Content, exploded(child))
		}
		return &c
	}
	for k := 0; k+1 < len(node.Content); k += 2 {
		if node.Content[k].Tag != mergeTag {
			c.Content = append(c.Content, exploded(node.Content[k]), exploded(node.Content[k+1]))
		}
	}
	for _, m := range merged(node) {
		for pair := range slices.Chunk(exploded(m).Content, 2) {
			if keyIndex(&c, pair[0].Value) < 0 {
				c.Content = append(c.Content, pair...)
			}
		}
	}
	return &c
}
