package yamledit

import (
	"go.yaml.in/yaml/v3"

	"lameduck/deploy/ctl/jsonpatch"
)

// touchesAlias reports whether a change at a pointer would go through an alias or a merge, or into
// the value of an anchor. Such a change would change other places too.
func touchesAlias(root *yaml.Node, pointer string) bool {
	anchored := make(map[*yaml.Node]bool)
	walk(root, func(n *yaml.Node) {
		if n.Kind == yaml.AliasNode {
			anchored[n.Alias] = true
		}
	})
	if len(anchored) == 0 {
		return false
	}
	node := root
	for _, token := range jsonpatch.Tokens(pointer) {
		if anchored[node] || node.Kind == yaml.AliasNode {
			return true
		}
		next := child(node, token)
		if next == nil {
			return false
		}
		if node.Kind == yaml.MappingNode && keyIndex(node, token) < 0 {
			return true // the value comes from a merge
		}
		node = next
	}
	return anchored[node] || node.Kind == yaml.AliasNode
}
