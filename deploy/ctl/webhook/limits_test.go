package webhook

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
)

// spaces is a long body that needs no memory.
type spaces struct{ left int }

func (s *spaces) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), s.left)
	for i := range p[:n] {
		p[i] = ' '
	}
	s.left -= n
	return n, nil
}

func TestALongBodyIsNotReadToItsEnd(t *testing.T) {
	for name, declare := range map[string]bool{"of known length": true,
		"of unknown length": false} {
		t.Run(name, func(t *testing.T) {
			h := newTestHandler(testLog(t))
			const length = 100 << 20
			body := &spaces{length}
			r := httptest.NewRequest(http.MethodPost, "/mutate", body)
			r.Header.Set("Content-Type", "application/json")
			r.ContentLength = -1
			if declare {
				r.ContentLength = length
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != http.StatusRequestEntityTooLarge {
				t.Errorf("HTTP %d", w.Code)
			}
			if read := length - body.left; read > maxBody+1 {
				t.Errorf("%d bytes are read", read)
			}
			expectAllGiven(t, h)
		})
	}
}

func expectAllGiven(t *testing.T, h *handler) {
	t.Helper()
	if left := h.budget.left.Load(); left != maxBodies {
		t.Errorf("%d bytes are not given back", maxBodies-left)
	}
}

// longPod returns a request for a pod with a long annotation.
func longPod(t *testing.T, value string) question {
	t.Helper()
	return question{pod: change(t, `{"metadata":{"annotations":{"long":"`+value+`"}}}`)}
}

func TestALongPodIsInjected(t *testing.T) {
	h := newTestHandler(testLog(t))
	if r := ask(t, h, longPod(t, strings.Repeat("x", 3<<20))); r.Patch == nil {
		t.Error("no patch")
	}
	expectAllGiven(t, h)
}

func TestWithoutMemoryForItsBodyAPodIsAllowedWithAWarning(t *testing.T) {
	h := newTestHandler(testLog(t))
	h.budget.take(maxBodies - firstGrowth/2)
	r := ask(t, h, longPod(t, strings.Repeat("x", 4<<10)))
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "too much memory") ||
		r.Patch != nil {
		t.Errorf("answer %+v", r)
	}
	expectCount(t, h.metrics, overload, 1)
	if w := post(h, &spaces{1 << 20}); w.Code != http.StatusServiceUnavailable {
		t.Errorf("without the beginning of a review: HTTP %d", w.Code)
	}
	if left := h.budget.left.Load(); left != firstGrowth/2 {
		t.Errorf("%d bytes are still reserved, want 0", left)
	}
}

func TestWithoutASlotAPodIsAllowedWithAWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHandler(zap.NewNop())
		for range cap(h.slots) {
			h.slots <- struct{}{}
		}
		r := ask(t, h, question{})
		if len(r.Warnings) != 1 ||
			!strings.Contains(r.Warnings[0], "overloaded: too many requests") || r.Patch != nil {
			t.Errorf("answer %+v", r)
		}
		expectCount(t, h.metrics, overload, 1)
		time.AfterFunc(100*time.Millisecond, func() { <-h.slots }) // while the request waits
		if r := ask(t, h, question{}); r.Patch == nil {
			t.Errorf("with a free slot, the answer is %+v", r)
		}
	})
}

func TestASlotIsReturned(t *testing.T) {
	h := newTestHandler(testLog(t))
	for range 2*cap(h.slots) + 1 {
		ask(t, h, question{})
	}
	expectCount(t, h.metrics, overload, 0)
}

// TestAPodWithTooManyFieldsIsNotDecoded sends pods that would take hundreds of times the memory of
// their text.
func TestAPodWithTooManyFieldsIsNotDecoded(t *testing.T) {
	for name, part := range map[string]string{
		"containers": `{"spec":{"containers":[{}` + strings.Repeat(",{}", 1<<20) + `]}}`,
		"lists": `{"spec":{"containers":[{"command":[]` +
			strings.Repeat(`,"args":[]`, 1<<16) + `}]}}`,
		"nesting": `{"x":` + strings.Repeat("[", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			h := newTestHandler(testLog(t))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r := ask(t, h, question{pod: part})
			runtime.ReadMemStats(&after)
			if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "too many fields") {
				t.Errorf("answer %+v", r)
			}
			expectCount(t, h.metrics, failed, 1)
			if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
				t.Errorf("it takes %d MB", took>>20)
			}
		})
	}
}

func TestCommasInAStringAreNotCounted(t *testing.T) {
	q := longPod(t, strings.Repeat(`{[,\"\\`, 1<<16))
	if r := ask(t, newTestHandler(testLog(t)), q); r.Patch == nil {
		t.Errorf("answer %+v", r)
	}
}

// TestTheLargestPodIsAnsweredInTime sends as many containers, or ports, as are accepted.
func TestTheLargestPodIsAnsweredInTime(t *testing.T) {
	many := func(format string, n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(format, i))
		}
		return strings.Join(all, ",")
	}
	for name, pod := range map[string]string{
		"containers": `{"spec":{"containers":[` + many(`{"name":"c%d"}`, maxParts/2-20) + `]}}`,
		"ports": `{"spec":{"containers":[{"name":"a","ports":[` +
			many(`{"containerPort":%d}`, maxParts/2-20) + `]}]}}`,
		"both": `{"spec":{"containers":[` +
			many(`{"name":"c%[1]d","ports":[{"name":"p%[1]d","containerPort":%[1]d}]}`,
				maxParts/6-20) + `]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			h := newTestHandler(testLog(t))
			began := time.Now()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r := ask(t, h, question{pod: pod})
			runtime.ReadMemStats(&after)
			took := time.Since(began)
			t.Logf("%s, %d MB, %d bytes of patch, warnings %.300q", took,
				(after.TotalAlloc-before.TotalAlloc)>>20, len(r.Patch), r.Warnings)
			if took > 30*time.Second {
				t.Errorf("it takes %s", took)
			}
		})
	}
}
