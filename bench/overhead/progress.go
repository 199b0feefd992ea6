package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// A progress tells what is being measured and how long the rest will take: on
// a terminal in one line that changes, elsewhere in a line for each round.
type progress struct {
	out      io.Writer
	terminal bool
	round    int // told last, where it is no terminal
	began    time.Duration
}

func newProgress(out io.Writer) *progress {
	return &progress{out: out, terminal: isTerminal(out), round: warmUp - 1}
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// step tells that the step i begins, at a time since the run began.
func (p *progress) step(steps []step, i int, now time.Duration) {
	if i == 0 {
		p.began = now
	}
	s := steps[i]
	left := timeLeft(steps, i, now-p.began).Round(time.Second)
	switch {
	case p.terminal:
		fmt.Fprintf(p.out, "\r\x1b[K%s: %s left", s, left) // to the start of the line, and clear it
	case s.Round != p.round:
		fmt.Fprintf(p.out, "%s: %s left\n", s, left)
		p.round = s.Round
	}
}

// clear takes the line away.
func (p *progress) clear() {
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

// timeLeft is the cost of the steps from i on, stretched by what those before
// it have really taken.
func timeLeft(steps []step, i int, elapsed time.Duration) time.Duration {
	var done, left time.Duration
	for j, s := range steps {
		if j < i {
			done += s.cost()
		} else {
			left += s.cost()
		}
	}
	if done == 0 {
		return left
	}
	return time.Duration(float64(left) * float64(elapsed) / float64(done))
}
