package peers

import (
	"bytes"
	"fmt"
	"io"
)

// reportEvery is the number of packages between two lines of progress.
const reportEvery = 100

// A counter counts the packages that `go build -v` prints, one on a line, and periodically prints
// their number.
type counter struct {
	w    io.Writer
	name Name

	begun    []byte // an incomplete line
	packages int
}

// Write never fails, since an error would end the build.
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
		return // a download or another message of the go command
	}
	c.packages++
	if c.packages%reportEvery == 0 {
		fmt.Fprintf(c.w, "%s: %d packages\n", c.name, c.packages)
	}
}
