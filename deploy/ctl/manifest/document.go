package manifest

import (
	"fmt"
	"regexp"
	"strconv"

	"lameduck/deploy/ctl/yamledit"
)

// A Document is one YAML document of a file.
type Document struct {
	File string
	Line int // of the file, where the document begins

	yaml yamledit.Document
}

// A Position is a place in a file.
type Position struct {
	File         string
	Line, Column int // from 1
}

func (p Position) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// yamlLine is the line in an error of the YAML library.
var yamlLine = regexp.MustCompile(`line (\d+): `)

func (d *Document) parse(text []byte) error {
	var err error
	if d.yaml, err = yamledit.Parse(text); err != nil {
		return d.located(err)
	}
	return nil
}

// located returns an error of the YAML library with its place in the file.
func (d *Document) located(err error) error {
	text, line := err.Error(), d.Line
	if m := yamlLine.FindStringSubmatchIndex(text); m != nil {
		n, _ := strconv.Atoi(text[m[2]:m[3]])
		line, text = d.Line+n-1, text[m[1]:]
	}
	return fmt.Errorf("%s:%d: %s", d.File, line, text)
}
