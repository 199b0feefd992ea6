// Package logqueue writes log lines in the background, so that logging never waits.
//
// A log is often a pipe, and its reader may stop reading. A [Queue] takes each line into memory and
// a goroutine writes it out. If the reader is too slow, the oldest lines are dropped and counted:
// the latest ones explain most. Only [Queue.Flush] waits, for a limited time.
package logqueue

import (
	"errors"
	"io"
	"sync"
	"syscall"
	"time"
)

// capacity is how many bytes of lines a queue holds: some 200 lines of the log.
const capacity = 64 << 10

// syncTimeout is how long Sync waits. The logger calls it before the program ends in a panic.
const syncTimeout = 500 * time.Millisecond

// A Queue is a [io.Writer] for whole lines that never blocks. Its methods may be called by any
// goroutine.
type Queue struct {
	w io.Writer

	mu      sync.Mutex
	lines   []line // from old to new
	size    int    // of the lines in bytes
	writing uint64 // serial number of the line that is being written, or 0
	last    uint64 // serial number of the newest line
	dropped uint64
	missing uint64 // lines that have been dropped since the last notice
	notice  func(n uint64) []byte
	flushes []flush
	wake    chan struct{} // has a value while there are lines and nothing is being written
	done    chan struct{} // closed by Close
}

type line struct {
	serial uint64
	text   []byte
}

// A flush waits until no line up to a serial number is left.
type flush struct {
	serial uint64
	done   chan struct{}
}

// New returns a queue for w. It must be closed, unless it lasts for as long as the process.
func New(w io.Writer) *Queue {
	q := &Queue{w: w, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go q.run()
	return q
}

// SetNotice sets the function that returns the line to write in place of n dropped lines.
func (q *Queue) SetNotice(notice func(n uint64) []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.notice = notice
}

// Write takes a line. It never fails.
func (q *Queue) Write(b []byte) (int, error) {
	text := append([]byte(nil), b...)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.last++
	q.lines = append(q.lines, line{q.last, text})
	q.size += len(text)
	for q.size > capacity && len(q.lines) > 1 {
		q.popLocked()
		q.loseLocked(1)
	}
	q.wakeLocked()
	return len(b), nil
}

func (q *Queue) wakeLocked() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// popLocked removes the oldest line.
func (q *Queue) popLocked() line {
	l := q.lines[0]
	q.lines[0] = line{}
	q.lines = q.lines[1:]
	q.size -= len(l.text)
	return l
}

func (q *Queue) loseLocked(n uint64) {
	q.dropped += n
	q.missing += n
}

// Dropped returns how many lines have been dropped or could not be written.
func (q *Queue) Dropped() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}

// run writes the lines.
func (q *Queue) run() {
	for {
		select {
		case <-q.wake:
		case <-q.done:
			return
		}
		for {
			text, ok := q.next()
			if !ok {
				break
			}
			q.wrote(write(q.w, text))
		}
	}
}

// next returns the text to write next. ok is false if there is none.
func (q *Queue) next() (text []byte, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.lines) == 0 {
		return nil, false
	}
	l := q.popLocked()
	q.writing, text = l.serial, l.text
	if q.missing > 0 && q.notice != nil {
		text = append(q.notice(q.missing), text...)
	}
	q.missing = 0
	return text, true
}

// wrote ends the writing of a line.
func (q *Queue) wrote(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.writing = 0
	if err != nil {
		q.loseLocked(1)
	}
	oldest := q.oldestLocked()
	kept := q.flushes[:0]
	for _, f := range q.flushes {
		if f.serial < oldest {
			close(f.done)
		} else {
			kept = append(kept, f)
		}
	}
	q.flushes = kept
}

// oldestLocked returns the serial number of the oldest line that is not written yet.
func (q *Queue) oldestLocked() uint64 {
	switch {
	case q.writing != 0:
		return q.writing
	case len(q.lines) > 0:
		return q.lines[0].serial
	}
	return q.last + 1
}

// ErrTimeout is the error of a flush that did not write every line in time.
var ErrTimeout = errors.New("log lines are left")

// Flush waits until the lines so far have been written, but not longer than the timeout.
func (q *Queue) Flush(timeout time.Duration) error {
	q.mu.Lock()
	f := flush{q.last, make(chan struct{})}
	if f.serial < q.oldestLocked() {
		q.mu.Unlock()
		return nil
	}
	q.flushes = append(q.flushes, f)
	q.mu.Unlock()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-f.done:
		return nil
	case <-timer.C:
		return ErrTimeout
	}
}

// Sync is Flush with a short timeout, for zap.
func (q *Queue) Sync() error { return q.Flush(syncTimeout) }

// Close ends the goroutine when it is not writing. Lines that are left are lost. It must be called
// once.
func (q *Queue) Close() { close(q.done) }

// busyRetry is the pause before a full, non-blocking descriptor is retried.
const busyRetry = 20 * time.Millisecond

// write writes all of text. A process that shares the descriptor may have made it non-blocking, as
// Node.js does.
func write(w io.Writer, text []byte) error {
	for {
		n, err := w.Write(text)
		text = text[n:]
		if len(text) == 0 || !errors.Is(err, syscall.EAGAIN) {
			return err
		}
		time.Sleep(busyRetry) //nolint:forbidigo // only the goroutine of the queue waits here
	}
}
