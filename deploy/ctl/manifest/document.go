package manifest

import (
	"fmt"

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

// Rewritten reports whether a patch could not be applied in place, so that the layout is lost.
func (d *Document) Rewritten() bool { return d.yaml.Rewritten }

func (d *Document) parse(text []byte) error {
	var err error
	if d.yaml, err = yamledit.Parse(text); err != nil {
		line, why := d.explain(err)
		return fmt.Errorf("%s:%d: %s", d.File, line, why)
	}
	return nil
}
