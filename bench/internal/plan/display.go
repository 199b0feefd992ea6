package plan

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// linePeriod is how often a line is written if no bar can be shown.
const linePeriod = 5 * time.Second

// NewDisplay returns a progress bar if out is a terminal. Otherwise the display writes a line for
// each step and one every five seconds.
func NewDisplay(out io.Writer) Display {
	return newDisplay(out, &lines{steps: true, every: linePeriod})
}

// NewSparseDisplay is like NewDisplay, but without a terminal it writes only one line for each
// step. It is for a plan that reports its progress itself.
func NewSparseDisplay(out io.Writer) Display {
	return newDisplay(out, &lines{steps: true, every: time.Hour})
}

// NewPeriodicDisplay is like NewDisplay, but without a terminal it writes one line every half
// minute. It is for a plan of many short steps.
func NewPeriodicDisplay(out io.Writer) Display {
	return newDisplay(out, &lines{every: 30 * time.Second})
}

func newDisplay(out io.Writer, otherwise *lines) Display {
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return newBar(f)
	}
	otherwise.out = out
	return otherwise
}

// TimeLeft formats the remaining time of a plan, rounded up to seconds.
func TimeLeft(done, total time.Duration) string {
	left := (total - done + time.Second - 1).Truncate(time.Second)
	return left.String() + " left"
}

// bar shows progress in one line of a terminal.
type bar struct {
	out io.Writer

	mu  sync.Mutex
	bar *progressbar.ProgressBar
}

func newBar(out io.Writer) *bar {
	return &bar{out: out, bar: progressbar.NewOptions64(1,
		progressbar.OptionSetWriter(out),
		progressbar.OptionSetWidth(30),
		progressbar.OptionSetPredictTime(false), // it would extrapolate; the plan has better estimates
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionClearOnFinish(),
	)}
}

func (b *bar) Show(name string, done, total time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bar.ChangeMax64(total.Milliseconds())
	b.bar.Describe(fmt.Sprintf("%-28s %7s", name, TimeLeft(done, total)))
	// Stop short of the end, at which the bar would finish itself.
	b.bar.Set64(min(done, total-time.Millisecond).Milliseconds())
}

func (b *bar) Print(line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bar.Clear()
	fmt.Fprintln(b.out, line)
}

func (b *bar) Finish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bar.Exit()
	b.bar.Clear()
}

// lines writes a line when a step begins and periodically.
type lines struct {
	out   io.Writer
	steps bool // write a line when a step begins
	every time.Duration

	mu      sync.Mutex
	name    string
	written time.Time
}

func (l *lines) Show(name string, done, total time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if begins := l.steps && name != l.name; !begins && time.Since(l.written) < l.every {
		return
	}
	l.name, l.written = name, time.Now()
	fmt.Fprintf(l.out, "%s, %s\n", name, TimeLeft(done, total))
}

func (l *lines) Print(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(l.out, line)
}

func (l *lines) Finish() {}
