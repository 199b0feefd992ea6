package manifest

import (
	"fmt"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// A Document is one of a file.
type Document struct {
	File string
	Line int // of the file, where the document begins

	text []byte
	root *yaml.Node // nil: it is empty, or has comments alone
}

// A Position is a place in a file.
type Position struct {
	File         string
	Line, Column int // from 1
}

func (p Position) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// yamlLine is how the library says where it has met an error.
var yamlLine = regexp.MustCompile(`line (\d+): `)

func (d *Document) parse() error {
	root, err := parseNode(d.text)
	if err != nil {
		return d.fault(err)
	}
	d.root = root
	return nil
}

// fault gives an error of the YAML library its place in the file.
func (d *Document) fault(err error) error {
	text, line := err.Error(), d.Line
	if m := yamlLine.FindStringSubmatchIndex(text); m != nil {
		n, _ := strconv.Atoi(text[m[2]:m[3]])
		line, text = d.Line+n-1, text[m[1]:]
	}
	return fmt.Errorf("%s:%d: %s", d.File, line, text)
}

// parseNode returns the one node of a document, or nil.
func parseNode(text []byte) (*yaml.Node, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil || len(document.Content) == 0 {
		return nil, err
	}
	root := document.Content[0]
	root.HeadComment = joinComments(document.HeadComment, root.HeadComment)
	root.FootComment = joinComments(root.FootComment, document.FootComment)
	return root, nil
}

// joinComments lets the root have what the library hangs on the document.
func joinComments(first, second string) string {
	if first == "" || second == "" {
		return first + second
	}
	return first + "\n\n" + second
}
