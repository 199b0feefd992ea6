package incluster

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"lameduck/deploy/ctl/measure"
)

// An Event is a line in the output of a load with --events.
type Event struct {
	// Began is set in the first event of a load.
	Began bool `json:"began,omitempty"`
	// Requests and Lost are how many have ended so far.
	Requests int `json:"requests"`
	Lost     int `json:"lost"`
	// Report is in the last event.
	Report *measure.Report `json:"report,omitempty"`
}

// WriteEvent writes an event as a line.
func WriteEvent(w io.Writer, e Event) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// readEvents calls see with each event, until the end. It returns the last line that is not an
// event, such as an error message.
func readEvents(r io.Reader, see func(Event)) (other string, err error) {
	for lines := bufio.NewReader(r); ; {
		line, err := lines.ReadBytes('\n')
		var e Event
		switch line = bytes.TrimSpace(line); {
		case len(line) == 0:
		case json.Unmarshal(line, &e) == nil:
			see(e)
		default:
			other = string(line)
		}
		if errors.Is(err, io.EOF) {
			return other, nil
		}
		if err != nil {
			return other, err
		}
	}
}
