package yamledit

import (
	"bytes"
	"encoding/json"
	"reflect"

	"go.yaml.in/yaml/v3"

	"lameduck/deploy/ctl/jsonpatch"
)

// An edit is a document to which a patch is being applied, and the tree that its text must match.
type edit struct {
	Document
	want *yaml.Node
}

func (e *edit) apply(op jsonpatch.Operation) error {
	if touchesAlias(e.Root, op.Path) {
		e.want = expandAliases(e.want)
		if err := e.rewrite(); err != nil {
			return err
		}
	}
	if err := patchTree(e.want, op); err != nil {
		return err
	}
	t := newTextEdit(e.Document)
	if t.apply(op) {
		if root, err := parseNode(t.text); err == nil && root != nil {
			e.Document = Document{t.text, root}
			return nil
		}
	}
	return e.rewrite()
}

// matches reports whether the text has the wanted value.
func (e *edit) matches() bool {
	var has, want any
	return e.Root.Decode(&has) == nil && e.want.Decode(&want) == nil && reflect.DeepEqual(has, want)
}

// rewrite encodes the wanted tree as the new text, after the directives and the line that begins the
// document.
func (e *edit) rewrite() error {
	if isJSON(e.Document) {
		return e.rewriteJSON()
	}
	text := opening(e.Text)
	encoded, err := encode(e.want, hasCompactLists(e.Root))
	if err != nil {
		return err
	}
	e.Document, err = Parse(append(text, encoded...))
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
	e.Document, err = Parse(bytes.Replace(e.Text, old, encoded, 1))
	return err
}
