package manifest

import (
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"lameduck/deploy/ctl/inject"
)

const mergeTag = "!!merge"

// fieldStep is one of a field's path: .name, [0] or [key].
var fieldStep = regexp.MustCompile(`\.?([^.\[\]]+)|\[([^\]]+)\]`)

// Pointer writes a field's path, as spec.containers[0].image or metadata.annotations[lameduck.dev/lb-delay], as a JSON Pointer (RFC 6901).
func Pointer(field string) string {
	var p strings.Builder
	for _, m := range fieldStep.FindAllStringSubmatch(field, -1) {
		p.WriteString("/" + inject.Escape(m[1]+m[2]))
	}
	return p.String()
}

// node returns the one at a JSON Pointer (RFC 6901), or nil.
func (d *Document) node(pointer string) *yaml.Node {
	if d.root == nil {
		return nil
	}
	return lookup(d.root, pointer)
}

func lookup(node *yaml.Node, pointer string) *yaml.Node {
	for _, step := range steps(pointer) {
		if node = child(resolve(node), step); node == nil {
			return nil
		}
	}
	return resolve(node)
}

// steps returns the reference tokens of a pointer.
func steps(pointer string) []string {
	if pointer == "" {
		return nil
	}
	parts := strings.Split(pointer[1:], "/")
	for i := range parts {
		parts[i] = unescape(parts[i])
	}
	return parts
}

func unescape(step string) string { return strings.NewReplacer("~1", "/", "~0", "~").Replace(step) }

func resolve(node *yaml.Node) *yaml.Node {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return node
}

// child returns a mapping's value, also one that is merged into it, or a list's element.
func child(node *yaml.Node, step string) *yaml.Node {
	switch node.Kind {
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(node.Content) {
			return node.Content[i]
		}
	case yaml.MappingNode:
		if k := keyIndex(node, step); k >= 0 {
			return node.Content[k+1]
		}
		for _, m := range merged(node) {
			if v := child(m, step); v != nil {
				return v
			}
		}
	}
	return nil
}

// keyIndex returns the index of a key that the mapping itself has, or -1.
func keyIndex(mapping *yaml.Node, key string) int {
	for k := 0; k+1 < len(mapping.Content); k += 2 {
		if mapping.Content[k].Kind == yaml.ScalarNode && mapping.Content[k].Value == key && mapping.Content[k].Tag != mergeTag {
			return k
		}
	}
	return -1
}

// merged returns the mappings that are merged into one, the first to count first.
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
