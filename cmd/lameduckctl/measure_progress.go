package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"lameduck/deploy/ctl/measure/rollout"
	"lameduck/lifecycle/plural"
)

// progressPeriod is how often a bar changes, and linePeriod how often a line is written if no bar can
// be shown.
const (
	progressPeriod = 200 * time.Millisecond
	linePeriod     = 10 * time.Second
)

// A progress returns the share of the work that is done, from 0 to 1, and a text.
type progress func() (share float64, text string)

// timeProgress is that of a load with a duration.
func timeProgress(m load, total time.Duration) progress {
	began := time.Now()
	return func() (float64, string) {
		passed := min(time.Since(began), total)
		requests, lost := m.Counts()
		return passed.Seconds() / total.Seconds(), fmt.Sprintf("%s, %d lost, %v left",
			plural.Count(requests, "request"), lost, (total - passed).Round(time.Second))
	}
}

// rolloutProgress is that of a load with a rollout, whose time is estimated from the pods so far.
func rolloutProgress(m load, o *rollout.Operation) progress {
	began := time.Now()
	return func() (float64, string) {
		requests, lost := m.Counts()
		gone, total := o.Progress()
		text := fmt.Sprintf("%d of %s replaced, %s, %d lost", gone,
			plural.Count(total, "pod"), plural.Count(requests, "request"), lost)
		share := float64(gone) / float64(max(total, 1))
		if gone > 0 && gone < total {
			left := time.Duration(float64(time.Since(began)) * (1 - share) / share)
			text += fmt.Sprintf(", about %v left", left.Round(time.Second))
		}
		return min(share, 1), text
	}
}

// showProgress shows the progress until finish is called: a bar on a terminal, or else lines.
func showProgress(out io.Writer, p progress) (finish func()) {
	period, end := linePeriod, func() {}
	show := func() {
		_, text := p()
		fmt.Fprintln(out, text)
	}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		bar := newBar(f)
		period, end = progressPeriod, func() { _ = bar.Clear() } // cannot be reported
		show = func() {
			share, text := p()
			bar.Describe(text)
			_ = bar.Set(int(share * 1000))
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
		progressbar.OptionSetPredictTime(false), // the text has a better estimate
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionUseANSICodes(true),
	)
}
