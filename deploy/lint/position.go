package lint

import (
	"strconv"
	"strings"

	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// locate is a Locator: it goes along the field's path as far as it is written.
func (m manifest) locate(path string) (file string, line int) {
	at, line := m.node, m.node.Line
	for _, step := range steps(path) {
		key, value := child(at, step)
		if value == nil {
			break
		}
		at, line = value, key.Line
	}
	return m.file, line
}

// steps are the parts of a path such as spec.containers[0].image or metadata.annotations[lameduck.dev/lb-delay].
func steps(path string) []string {
	var found []string
	for part := range strings.SplitSeq(path, "[") {
		inside, after, isKey := strings.Cut(part, "]")
		if !isKey {
			inside, after = "", part
		}
		if inside != "" {
			found = append(found, inside)
		}
		for name := range strings.SplitSeq(after, ".") {
			if name != "" {
				found = append(found, name)
			}
		}
	}
	return found
}

// child is a member of a mapping, with its key, or an element of a list, which is its own key. Nil: there is none.
func child(n *kyaml.Node, step string) (key, value *kyaml.Node) {
	if n.Kind == kyaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == kyaml.SequenceNode {
		if i, err := strconv.Atoi(step); err == nil && i < len(n.Content) {
			return n.Content[i], n.Content[i]
		}
		return nil, nil
	}
	if n.Kind != kyaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == step {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}

// child is the value of a field of the object. Nil: it has none.
func (m manifest) child(name string) *kyaml.Node {
	_, value := child(m.node, name)
	return value
}

// scalar is the text of a field of the object. Empty: it has none.
func (m manifest) scalar(name string) string {
	if m.node == nil {
		return ""
	}
	if v := m.child(name); v != nil && v.Kind == kyaml.ScalarNode {
		return v.Value
	}
	return ""
}
