package logqueue

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A gate is a writer that writes only while it is open.
type gate struct {
	open chan struct{} // closed when it is

	mu   sync.Mutex
	text bytes.Buffer
}

func newGate() *gate { return &gate{open: make(chan struct{})} }

func (g *gate) Write(b []byte) (int, error) {
	<-g.open
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.text.Write(b)
}

func (g *gate) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.text.String()
}

func inBubble(t *testing.T, w io.Writer, test func(t *testing.T, q *Queue)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		q := New(w)
		defer q.Close()
		test(t, q)
	})
}

func TestLinesAreWrittenInTheirOrder(t *testing.T) {
	var out bytes.Buffer
	inBubble(t, &out, func(t *testing.T, q *Queue) {
		var want strings.Builder
		for i := range 100 {
			fmt.Fprintf(q, "line %d\n", i)
			fmt.Fprintf(&want, "line %d\n", i)
		}
		if err := q.Flush(time.Second); err != nil || out.String() != want.String() {
			t.Errorf("written, %v:\n%s", err, out.String())
		}
		if q.Dropped() != 0 {
			t.Errorf("%d lines are dropped, want none", q.Dropped())
		}
	})
}

func TestAReaderThatDoesNotReadLosesTheOldestLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		q := New(g)
		defer q.Close()
		q.SetNotice(func(n uint64) []byte { return fmt.Appendf(nil, "%d lines missing\n", n) })
		text := strings.Repeat("x", 1000)
		fmt.Fprintf(q, "first %s\n", text)
		synctest.Wait() // it is being written
		const lines = 1000
		for i := range lines {
			fmt.Fprintf(q, "%d %s\n", i, text)
		}
		if err := q.Flush(300 * time.Millisecond); !errors.Is(err, ErrTimeout) {
			t.Errorf("flush: %v, want a timeout", err)
		}
		close(g.open)
		if err := q.Flush(300 * time.Millisecond); err != nil {
			t.Errorf("flush: %v", err)
		}
		out, dropped := g.String(), q.Dropped()
		if n := uint64(strings.Count(out, text)); n+dropped != lines+1 || n*1000 > capacity+1000 {
			t.Errorf("%d lines written and %d dropped, want at most %d bytes and every line counted", n, dropped, capacity)
		}
		notice := fmt.Sprintf("\n%d lines missing\n%d ", dropped, dropped)
		if !strings.HasPrefix(out, "first ") || !strings.Contains(out, notice) || strings.Count(out, "missing") != 1 {
			t.Errorf("no notice %q after the first line", notice)
		}
		if !strings.HasSuffix(out, fmt.Sprintf("\n%d %s\n", lines-1, text)) {
			t.Error("the last line is not there")
		}
	})
}

func TestALineLargerThanTheQueueIsWritten(t *testing.T) {
	var out bytes.Buffer
	inBubble(t, &out, func(t *testing.T, q *Queue) {
		text := strings.Repeat("x", 2*capacity)
		_, _ = io.WriteString(q, text)
		if err := q.Flush(time.Second); err != nil || out.String() != text {
			t.Errorf("%d bytes are written, %v", out.Len(), err)
		}
	})
}

type writerFunc func(b []byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestLinesThatCannotBeWrittenCount(t *testing.T) {
	inBubble(t, writerFunc(func([]byte) (int, error) { return 0, syscall.EPIPE }), func(t *testing.T, q *Queue) {
		for range 3 {
			_, _ = io.WriteString(q, "line\n")
		}
		if err := q.Flush(time.Second); err != nil || q.Dropped() != 3 {
			t.Errorf("%d lines are dropped, flush: %v, want 3", q.Dropped(), err)
		}
	})
}

func TestAFullDescriptorThatDoesNotBlockIsTriedAgain(t *testing.T) {
	var out bytes.Buffer
	calls := 0
	full := writerFunc(func(b []byte) (int, error) {
		if calls++; calls%3 != 0 {
			n, _ := out.Write(b[:1])
			return n, syscall.EAGAIN
		}
		return out.Write(b)
	})
	inBubble(t, full, func(t *testing.T, q *Queue) {
		_, _ = io.WriteString(q, "a line\n")
		if err := q.Flush(time.Second); err != nil || out.String() != "a line\n" || q.Dropped() != 0 {
			t.Errorf("%q is written, %v, and %d lines are dropped", out.String(), err, q.Dropped())
		}
	})
}
