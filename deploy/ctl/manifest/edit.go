package manifest

import (
	"bytes"
	"fmt"
	"reflect"

	"go.yaml.in/yaml/v3"

	"lameduck/deploy/ctl/inject"
)

// Apply changes what is at a JSON Pointer within the object by a JSON Patch whose paths are relative to it.
func (o *Object) Apply(pointer string, patch []inject.Operation) error {
	d := o.Document
	e := &edit{text: d.text, root: d.root, want: copied(d.root)}
	for _, op := range patch {
		op.Path = o.Path + pointer + op.Path
		if err := e.apply(op); err != nil {
			return fmt.Errorf("%s: %s %s: %w", o.Position(pointer), op.Op, op.Path, err)
		}
	}
	if len(patch) > 0 && !e.right() {
		if err := e.rewrite(); err != nil {
			return fmt.Errorf("%s: %w", o.Position(pointer), err)
		}
	}
	d.text, d.root = e.text, e.root
	return nil
}

// An edit is a change of a document, twice: of the tree, which says what is wanted, and of the text.
type edit struct {
	text []byte
	root *yaml.Node // of text
	want *yaml.Node
}

func (e *edit) apply(op inject.Operation) error {
	if touchesAlias(e.root, op.Path) {
		e.want = exploded(e.want)
		if err := e.rewrite(); err != nil {
			return err
		}
	}
	if err := patchTree(e.want, op); err != nil {
		return err
	}
	s := newSplice(e.text, e.root)
	if s.apply(op) {
		if root, err := parseNode(s.text); err == nil && root != nil {
			e.text, e.root = s.text, root
			return nil
		}
	}
	return e.rewrite()
}

// right says whether the text says what is wanted.
func (e *edit) right() bool {
	var has, want any
	return e.root.Decode(&has) == nil && e.want.Decode(&want) == nil && reflect.DeepEqual(has, want)
}

// rewrite writes the document anew, behind the line that begins it.
func (e *edit) rewrite() error {
	text := []byte{}
	if first, _, _ := bytes.Cut(e.text, []byte("\n")); beginsDocument(first) {
		text = []byte("---\n")
	}
	written, err := encode(e.want, isCompact(e.root))
	if err != nil {
		return err
	}
	e.text = append(text, written...)
	e.root, err = parseNode(e.text)
	return err
}
