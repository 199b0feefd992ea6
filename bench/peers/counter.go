package peers

import (
	"bytes"
	"fmt"
	"io"
)

// often is how many packages are built between two words about it.
const often = 100

// counter counts the packages that `go build -v` names, one on a line, and says now and then how many there were.
type counter struct {
	w    io.Writer
	name Name

	begun    []byte // a line whose end has not come yet
	packages int
}

// Write never fails: what cannot be told must not end a build.
func (c *counter) Write(p []byte) (int, error) {
	c.begun = append(c.begun, p...)
	for {
		line, rest, whole := bytes.Cut(c.begun, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		c.begun = rest
		c.line(line)
	}
}

func (c *counter) line(line []byte) {
	if bytes.HasPrefix(line, []byte("go: ")) {
		return // a download, or what the command has to say
	}
	c.packages++
	if c.packages%often == 0 {
		fmt.Fprintf(c.w, "%s: %d packages\n", c.name, c.packages)
	}
}
