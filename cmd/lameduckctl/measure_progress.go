package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progressPeriod is how often a bar changes, and linePeriod how often a line is written if no bar can
// be shown.
const (
	progressPeriod = 200 * time.Millisecond
	linePeriod     = 10 * time.Second
)

// showProgress shows the progress of a load of the given duration, until finish is called: a bar on a
// terminal, or else lines.
func showProgress(out io.Writer, total time.Duration, counts func() (requests, lost int)) (finish func()) {
	began := time.Now()
	text := func() string {
		left := max(total-time.Since(began), 0).Round(time.Second)
		requests, lost := counts()
		return fmt.Sprintf("%d requests, %d lost, %v left", requests, lost, left)
	}
	period, show, end := linePeriod, func() { fmt.Fprintln(out, text()) }, func() {}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		bar := newBar(f)
		period, end = progressPeriod, func() { bar.Clear() }
		show = func() {
			bar.Describe(text())
			bar.Set64(min(time.Since(began), total-1).Milliseconds() * 1000 / max(total.Milliseconds(), 1))
		}
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(period)
		defer tick.Stop()
		for {
			select {
			case <-done:
				end()
				return
			case <-tick.C:
				show()
			}
		}
	})
	return sync.OnceFunc(func() { close(done); wg.Wait() })
}

func newBar(out io.Writer) *progressbar.ProgressBar {
	return progressbar.NewOptions64(1001, // thousandths, and one more, at which the bar would finish itself
		progressbar.OptionSetWriter(out),
		progressbar.OptionSetWidth(30),
		progressbar.OptionSetPredictTime(false), // the time left is known
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionUseANSICodes(true),
	)
}
