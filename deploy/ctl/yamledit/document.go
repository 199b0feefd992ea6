package yamledit

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"go.yaml.in/yaml/v3"

	"lameduck/deploy/ctl/jsonpatch"
)

// A Document is one YAML document. Its fields are read only; Apply returns a new Document.
type Document struct {
	Text []byte
	Root *yaml.Node // of Text; nil if the document is empty or has only comments

	// Rewritten reports whether Apply has encoded the document again, because it did not know the
	// layout. The values are right, but the layout is lost.
	Rewritten bool

	compact *bool // whether lists are not indented; nil if Root shows it
}

// Parse reads one document. Errors name a line of the text, as in "yaml: line 3: ...".
func Parse(text []byte) (Document, error) {
	root, err := parseNode(text)
	return Document{Text: text, Root: root}, err
}

// Split cuts a stream in front of each line that begins a document (YAML 1.2 section 9.1.4). The
// parts together are the stream.
func Split(stream []byte) [][]byte {
	var parts [][]byte
	begin, at := 0, 0
	for line := range bytes.SplitAfterSeq(stream, []byte("\n")) {
		if at > begin && beginsDocument(line) && !onlyDirectives(stream[begin:at]) {
			end := begin + endOfDocument(stream[begin:at])
			parts = append(parts, stream[begin:end])
			begin = end
		}
		at += len(line)
	}
	return splitJSON(append(parts, stream[begin:]))
}

func beginsDocument(line []byte) bool {
	rest, is := bytes.CutPrefix(line, []byte("---"))
	return is && (len(rest) == 0 || bytes.ContainsRune([]byte(" \t\r\n"), rune(rest[0])))
}

// endOfDocument returns the length of a document in front of a line that begins another one. Directives
// after the line "..." belong to that one.
func endOfDocument(text []byte) int {
	at := 0
	for line := range bytes.SplitAfterSeq(text, []byte("\n")) {
		at += len(line)
		if bytes.HasPrefix(line, []byte("...")) && onlyDirectives(text[at:]) {
			return at
		}
	}
	return len(text)
}

// onlyDirectives reports whether a text has directives and nothing else but comments. They belong
// to the document that follows.
func onlyDirectives(text []byte) bool {
	directives := false
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		switch line = bytes.TrimSpace(line); {
		case len(line) == 0 || line[0] == '#':
		case line[0] == '%':
			directives = true
		default:
			return false
		}
	}
	return directives
}

// Errors of texts that Split does not split as the YAML library would.
var (
	errEncoding  = errors.New("must be UTF-8, not UTF-16: convert it, for example with iconv -f UTF-16 -t UTF-8")
	errDocuments = errors.New("has several documents, but no line --- between them that ends with a line feed")
)

// parseNode returns the root of a document, or nil if it is empty.
func parseNode(text []byte) (*yaml.Node, error) {
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return nil, errEncoding
	}
	root, err := parseYAML(text)
	if err != nil && beginsObject(text) && json.Valid(text) {
		root, err = parseYAML(withoutSurrogates(text))
	}
	return root, err
}

func parseYAML(text []byte) (*yaml.Node, error) {
	var document, more yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if err := decoder.Decode(&more); err == nil {
		return nil, errDocuments
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(document.Content) == 0 {
		return nil, nil
	}
	root := document.Content[0]
	root.HeadComment = joinComments(document.HeadComment, root.HeadComment)
	root.FootComment = joinComments(root.FootComment, document.FootComment)
	return root, nil
}

// joinComments moves what the library attaches to the document node to its root.
func joinComments(first, second string) string {
	if first == "" || second == "" {
		return first + second
	}
	return first + "\n\n" + second
}

// Node returns the value at a JSON Pointer with aliases resolved, or nil if there is none.
func (d Document) Node(pointer string) *yaml.Node {
	if d.Root == nil {
		return nil
	}
	return lookup(d.Root, pointer)
}

// Quote returns the quotes of the scalar at a JSON Pointer, or an empty string.
func (d Document) Quote(pointer string) string {
	node := d.Node(pointer)
	switch {
	case node == nil || node.Kind != yaml.ScalarNode:
	case node.Style&yaml.DoubleQuotedStyle != 0:
		return `"`
	case node.Style&yaml.SingleQuotedStyle != 0:
		return "'"
	}
	return ""
}

// Null returns the text of the null at a JSON Pointer, which may be empty, or false if there is none.
func (d Document) Null(pointer string) (text string, is bool) {
	node := d.Node(pointer)
	if node == nil || !isNull(node) {
		return "", false
	}
	return node.Value, true
}

// Position returns the line and the column, from 1, of the value at a JSON Pointer: those of its
// key in a mapping, or of the element in a list. It returns false if there is no such value.
func (d Document) Position(pointer string) (line, column int, found bool) {
	node := d.Node(pointer)
	if node == nil {
		return 0, 0, false
	}
	if pointer != "" {
		path, key := jsonpatch.Cut(pointer)
		if parent := d.Node(path); parent.Kind == yaml.MappingNode {
			if k := keyIndex(parent, key); k >= 0 {
				node = parent.Content[k]
			}
		}
	}
	return node.Line, node.Column, true
}

// Apply returns the document with a patch applied, and d unchanged. On an error nothing is applied.
func (d Document) Apply(patch []jsonpatch.Operation) (Document, error) {
	if len(patch) == 0 {
		return d, nil
	}
	if d.Root == nil {
		return d, &OperationError{patch[0], errNoParent}
	}
	if edited, is := d.applyToElement(patch); is {
		return edited, nil
	}
	e := &edit{Document: d, want: cloneTree(d.Root)}
	err := e.applyAll(patch)
	if errors.Is(err, errShared) || err == nil && e.shared && !e.matches() {
		e = &edit{Document: d, want: cloneTree(d.Root), apart: true}
		err = e.applyAll(patch)
	}
	if err != nil {
		return d, err
	}
	if !e.matches() {
		if err := e.rewrite(); err != nil {
			return d, err
		}
	}
	e.foldCopies()
	return e.Document, nil
}

// An OperationError is an operation that cannot be applied.
type OperationError struct {
	Operation jsonpatch.Operation
	Err       error
}

func (e *OperationError) Error() string {
	return e.Operation.Op + " " + e.Operation.Path + ": " + e.Err.Error()
}

func (e *OperationError) Unwrap() error { return e.Err }
