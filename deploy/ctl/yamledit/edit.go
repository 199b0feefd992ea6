package yamledit

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"

	"go.yaml.in/yaml/v3"

	"lameduck/deploy/ctl/jsonpatch"
)

// An edit is a document to which a patch is being applied, and the tree that its text must match.
//
// A change of a value that several places share, by an anchor, changes all of them. That is right if
// the patch changes all of them in the same way, so this is tried first. Otherwise the patch is applied
// again, apart: each place that it changes gets a value of its own before (setApart).
type edit struct {
	Document
	want   *yaml.Node
	apart  bool
	shared bool // a shared value was changed
}

// errShared is the reason to apply a patch apart.
var errShared = errors.New("a value is shared by an anchor")

func (e *edit) applyAll(patch []jsonpatch.Operation) error {
	for _, op := range patch {
		if err := e.apply(op); errors.Is(err, errShared) {
			return err
		} else if err != nil {
			return &OperationError{op, err}
		}
	}
	return nil
}

func (e *edit) apply(op jsonpatch.Operation) error {
	if _, shared := userAt(e.want, op.Path); shared {
		e.want = expandAliases(e.want)
	}
	at, _ := jsonpatch.Cut(op.Path)
	u, shared := userAt(e.Root, op.Path)
	overrides := shared && u.into != nil && u.into == lookup(e.Root, at) // what is merged
	if shared && e.apart && !e.setApart(op.Path) && !overrides {
		if err := e.rewrite(); err != nil {
			return err
		}
	}
	if err := patchTree(e.want, op); err != nil {
		return err
	}
	e.shared = e.shared || shared
	switch {
	case !e.shared || e.apart:
	case e.has(at):
		return nil // the change of another place has changed this one too
	case overrides:
		return errShared
	}
	t := newTextEdit(e.Document)
	if t.apply(op) {
		if root, err := parseNode(t.text); err == nil && root != nil {
			e.Text, e.Root = t.text, root
			return nil
		}
	}
	if e.shared && !e.apart {
		return errShared
	}
	return e.rewrite()
}

// has reports whether the text has the wanted value at a JSON Pointer.
func (e *edit) has(pointer string) bool {
	has, want := lookup(e.Root, pointer), lookup(e.want, pointer)
	return has != nil && want != nil && equal(has, want)
}

// matches reports whether the text has the wanted value.
func (e *edit) matches() bool { return equal(e.Root, e.want) }

// equal reports whether two trees have the same value.
func equal(a, b *yaml.Node) bool {
	var x, y any
	return a.Decode(&x) == nil && b.Decode(&y) == nil && reflect.DeepEqual(x, y)
}

// rewrite encodes the wanted tree as the new text, after the directives and the line that begins the
// document.
func (e *edit) rewrite() error {
	if isJSON(e.Document) {
		return e.rewriteJSON()
	}
	text := opening(e.Text)
	encoded, err := encode(e.want, e.hasCompactLists())
	if err != nil {
		return err
	}
	return e.take(append(text, encoded...))
}

// take takes a text with another layout.
func (e *edit) take(text []byte) error {
	d, err := Parse(text)
	if err == nil {
		e.Document = d
		e.Rewritten = true
	}
	return err
}

// opening returns the directives in front of a document and the line that begins it, or nil.
func opening(text []byte) []byte {
	var directives []byte
	for line := range bytes.SplitAfterSeq(text, []byte("\n")) {
		switch {
		case beginsDocument(line):
			return append(directives, "---\n"...)
		case bytes.HasPrefix(line, []byte("%")):
			directives = append(directives, line...)
		case len(bytes.TrimSpace(line)) > 0 && line[0] != '#':
			return nil
		}
	}
	return nil
}

// isJSON reports whether a document is a JSON object, which may be one of several in a row.
func isJSON(d Document) bool { return beginsObject(d.Text) && json.Valid(d.Text) }

// rewriteJSON encodes the wanted tree as JSON, within the white space around the old text.
func (e *edit) rewriteJSON() error {
	encoded, err := encodeJSON(e.want)
	if err != nil {
		return err
	}
	old := bytes.TrimSpace(e.Text)
	return e.take(bytes.Replace(e.Text, old, encoded, 1))
}
