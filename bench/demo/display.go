package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// linePeriod is how often a line is written where no bar can be shown.
const linePeriod = 5 * time.Second

// newDisplay returns a bar where the file is a terminal, and a line now and then where it is not.
func newDisplay(f *os.File) display {
	if term.IsTerminal(int(f.Fd())) {
		return newBar(f)
	}
	return &lines{out: f}
}

func timeLeft(done, total time.Duration) string {
	return fmt.Sprintf("%ds left", (total-done+time.Second-1)/time.Second)
}

// bar shows progress in one line of a terminal.
type bar struct{ *progressbar.ProgressBar }

func newBar(out io.Writer) bar {
	return bar{progressbar.NewOptions64(1,
		progressbar.OptionSetWriter(out),
		progressbar.OptionSetWidth(30),
		progressbar.OptionSetPredictTime(false), // which would guess from the past; the plan knows better
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionClearOnFinish(),
	)}
}

func (b bar) show(name string, done, total time.Duration) {
	b.ChangeMax64(total.Milliseconds())
	b.Describe(fmt.Sprintf("%-28s %7s", name, timeLeft(done, total)))
	// One short of the end: the bar would take the end for its own.
	b.Set64(min(done, total-time.Millisecond).Milliseconds())
}

func (b bar) finish() {
	b.Exit()
	b.Clear()
}

// lines writes a line when a step begins and every linePeriod.
type lines struct {
	out     io.Writer
	name    string
	written time.Time
}

func (l *lines) show(name string, done, total time.Duration) {
	if name == l.name && time.Since(l.written) < linePeriod {
		return
	}
	l.name, l.written = name, time.Now()
	fmt.Fprintf(l.out, "%s, %s\n", name, timeLeft(done, total))
}

func (l *lines) finish() {}
