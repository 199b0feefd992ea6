package integration

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A transcript is the output of a process, by lines.
type transcript struct {
	mu    sync.Mutex
	rest  []byte // an incomplete line
	lines []line
	over  bool
	grown chan struct{} // closed at the next line or the end
}

type line struct {
	text string
	at   time.Time // when it was read
}

func newTranscript() *transcript { return &transcript{grown: make(chan struct{})} }

func (s *transcript) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = append(s.rest, b...)
	for {
		text, rest, ok := bytes.Cut(s.rest, []byte("\n"))
		if !ok {
			return len(b), nil
		}
		s.rest = rest
		s.lines = append(s.lines, line{string(text), time.Now()})
		s.broadcast()
	}
}

func (s *transcript) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	s.broadcast()
}

func (s *transcript) broadcast() {
	close(s.grown)
	s.grown = make(chan struct{})
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, l := range s.lines {
		b.WriteString(l.text + "\n")
	}
	return b.String() + string(s.rest)
}

// find returns the first line that matches, and true. Otherwise over is true if the process has
// ended, and grown is closed when there is more output.
func (s *transcript) find(match func(string) bool) (found line, ok, over bool, grown <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.lines, func(l line) bool { return match(l.text) })
	if i >= 0 {
		return s.lines[i], true, s.over, nil
	}
	return line{}, false, s.over, s.grown
}

// await waits for a line that matches.
func (s *transcript) await(t *testing.T, what string, match func(string) bool) line {
	t.Helper()
	timeout := time.After(waitTimeout)
	for {
		found, ok, over, grown := s.find(match)
		switch {
		case ok:
			return found
		case over:
			t.Fatalf("no line %q in the whole output:\n%s", what, s)
		}
		select {
		case <-grown:
		case <-timeout:
			t.Fatalf("timeout: no line %q in:\n%s", what, s)
		}
	}
}

// awaitLine waits for a line.
func (s *transcript) awaitLine(t *testing.T, text string) line {
	t.Helper()
	return s.await(t, text, func(l string) bool { return l == text })
}

// awaitPrefix waits for a line with a prefix, and returns the rest of the line.
func (s *transcript) awaitPrefix(t *testing.T, prefix string) string {
	t.Helper()
	l := s.await(t, prefix, func(l string) bool { return strings.HasPrefix(l, prefix) })
	return strings.TrimPrefix(l.text, prefix)
}

// count returns the number of lines that are equal to text.
func (s *transcript) count(text string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, l := range s.lines {
		if l.text == text {
			n++
		}
	}
	return n
}
