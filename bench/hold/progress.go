package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"lameduck/bench/internal/table"
)

// A progress shows how far the simulation has come, in one line on a terminal, and in a line every
// half minute otherwise.
type progress struct {
	out      io.Writer
	total    int
	terminal bool
	began    time.Time

	mu    sync.Mutex
	done  int
	shown time.Time
}

func newProgress(out io.Writer, total int) *progress {
	f, ok := out.(*os.File)
	return &progress{out: out, total: total, began: time.Now(), shown: time.Now(),
		terminal: ok && term.IsTerminal(int(f.Fd()))}
}

// add adds rollouts that are done.
func (p *progress) add(rollouts int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += rollouts
	period := 30 * time.Second
	if p.terminal {
		period = 200 * time.Millisecond
	}
	if time.Since(p.shown) < period {
		return
	}
	p.shown = time.Now()
	line := fmt.Sprintf("%s of %s rollouts, %v left", table.Count(p.done), table.Count(p.total),
		p.left().Round(time.Second))
	if p.terminal {
		fmt.Fprintf(p.out, "\r\x1b[K%s", line)
		return
	}
	fmt.Fprintln(p.out, line)
}

// left estimates the time left. The shapes take turns, so the past is a fair measure.
func (p *progress) left() time.Duration {
	per := float64(time.Since(p.began)) / float64(p.done)
	return time.Duration(per * float64(p.total-p.done))
}

func (p *progress) finish() {
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
