package yamledit

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"lameduck/deploy/ctl/jsonpatch"
)

// A user of an anchor is a place that shares its value: an alias, or a mapping that merges it.
type user struct {
	alias *yaml.Node
	key   *yaml.Node // of the alias; nil in a list
	into  *yaml.Node // the mapping that merges the value; nil for other users
}

// usersOf returns the users of all anchors in a tree.
func usersOf(root *yaml.Node) []user {
	var users []user
	walk(root, func(n *yaml.Node) {
		for i, c := range n.Content {
			u := user{alias: c}
			if n.Kind == yaml.MappingNode && i%2 == 1 {
				u.key = n.Content[i-1]
			}
			switch {
			case u.key != nil && u.key.Tag == mergeTag && c.Kind == yaml.SequenceNode:
				for _, element := range c.Content {
					users = append(users, user{element, u.key, n})
				}
			case u.key != nil && u.key.Tag == mergeTag:
				users = append(users, user{c, u.key, n})
			case c.Kind == yaml.AliasNode:
				users = append(users, u)
			}
		}
	})
	return users
}

// userAt returns a user of an anchor that a change at a pointer would concern: one that the path goes
// through, or one that shares what is changed. It returns false if there is none.
func userAt(root *yaml.Node, pointer string) (user, bool) {
	users := usersOf(root)
	if len(users) == 0 {
		return user{}, false
	}
	find := func(is func(user) bool) (user, bool) {
		if i := slices.IndexFunc(users, is); i >= 0 {
			return users[i], true
		}
		return user{}, false
	}
	node := root
	shares := func(u user) bool { return u.into == nil && u.alias == node || u.alias.Alias == node }
	for _, token := range jsonpatch.Tokens(pointer) {
		if u, found := find(shares); found {
			return u, true
		}
		next := child(node, token)
		if next == nil {
			return user{}, false
		}
		if node.Kind == yaml.MappingNode && keyIndex(node, token) < 0 {
			return find(func(u user) bool { return u.into == node })
		}
		node = next
	}
	return find(shares)
}
