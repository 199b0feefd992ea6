package webhook

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"lameduck/deploy/ctl/inject"
)

// queueWait is how long a request waits for a slot. The API server waits two seconds for an answer,
// by default of our configuration.
const queueWait = 500 * time.Millisecond

// A handler answers AdmissionReviews.
type handler struct {
	injector *injector
	metrics  *metrics
	log      *zap.Logger
	budget   *byteBudget
	slots    chan struct{} // has one element for each request that is being decided
	draining atomic.Bool   // answers close their connections
	last     atomic.Int64  // when the latest request came, in Unix nanoseconds, or 0
}

// maxSlots bounds the requests that are decided at a time. Deciding takes CPU for a fraction of a
// millisecond, so more slots would not make answers faster. A hostile request can take 30 MB.
const maxSlots = 4

func newHandler(i *injector, m *metrics, log *zap.Logger) *handler {
	slots := min(2*runtime.GOMAXPROCS(0), maxSlots)
	return &handler{injector: i, metrics: m, log: log, budget: newByteBudget(maxBodies),
		slots: make(chan struct{}, slots)}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.metrics.inFlight.Inc()
	defer h.metrics.inFlight.Dec()
	h.last.Store(time.Now().UnixNano())
	if h.draining.Load() {
		w.Header().Set("Connection", "close") // idle connections stay open: closing one would race with a request
	}
	h.metrics.countResult(h.serve(w, r))
}

func (h *handler) serve(w http.ResponseWriter, r *http.Request) result {
	if status, reason := checkRequest(r); reason != "" {
		return refuse(w, status, reason)
	}
	b := &body{budget: h.budget}
	defer b.free()
	switch err := b.read(r.Body); {
	case errors.Is(err, errTooLong):
		return refuse(w, http.StatusRequestEntityTooLarge, err.Error())
	case errors.Is(err, errNoMemory):
		return h.giveUp(w, b.bytes, overload, "the webhook is overloaded: "+err.Error())
	case err != nil:
		return refuse(w, http.StatusBadRequest, "the body cannot be read: "+err.Error())
	}
	began := time.Now()
	defer func() { h.metrics.observe(time.Since(began)) }()
	if !h.takeSlot(r.Context()) {
		return h.giveUp(w, b.bytes, overload, "the webhook is overloaded: too many requests")
	}
	defer func() { <-h.slots }()
	if hasManyParts(b.bytes) {
		return h.giveUp(w, b.bytes, failed, "the pod has too many fields")
	}
	return h.review(r.Context(), w, b.bytes)
}

// review answers a request that has been read to its end.
func (h *handler) review(ctx context.Context, w http.ResponseWriter, text []byte) result {
	review, err := decodeReview(text)
	if err != nil {
		return refuse(w, http.StatusBadRequest, err.Error())
	}
	a := h.injector.answer(review, nil)
	asked, uid := review.TypeMeta, review.Request.UID
	if q := a.question; q != nil {
		namespace := review.Request.Namespace
		review, a = nil, answer{} //nolint:wastedassign // only the text takes memory while the request waits
		learned := h.askWithoutSlot(ctx, namespace, *q)
		if review, err = decodeReview(text); err != nil {
			return refuse(w, http.StatusBadRequest, err.Error())
		}
		a = h.injector.answer(review, &learned)
	}
	return h.write(w, asked, uid, a)
}

// askWithoutSlot asks about an image. Other requests have the slot meanwhile.
func (h *handler) askWithoutSlot(ctx context.Context, namespace string, q inject.ImageQuestion) learned {
	<-h.slots
	l := h.injector.ask(ctx, namespace, q)
	h.metrics.countAnswer(l)
	h.slots <- struct{}{} // those who have it never wait
	return l
}

// checkRequest checks a request before its body is read. The reason is empty if it is acceptable.
func checkRequest(r *http.Request) (status int, reason string) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method != http.MethodPost:
		return http.StatusMethodNotAllowed, "use POST"
	case err != nil || media != "application/json":
		return http.StatusUnsupportedMediaType, "use Content-Type: application/json"
	case r.ContentLength > maxBody:
		return http.StatusRequestEntityTooLarge, errTooLong.Error()
	}
	return 0, ""
}

// takeSlot waits for a slot and reports whether it got one.
func (h *handler) takeSlot(ctx context.Context) bool {
	select {
	case h.slots <- struct{}{}:
		return true
	default:
	}
	timer := time.NewTimer(queueWait)
	defer timer.Stop()
	select {
	case h.slots <- struct{}{}:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// giveUp answers a request after parsing only its beginning. It closes the connection, because more
// of the body may follow.
func (h *handler) giveUp(w http.ResponseWriter, text []byte, r result, reason string) result {
	w.Header().Set("Connection", "close")
	asked, uid, found := parseBeginning(text)
	if !found && r == failed {
		return refuse(w, http.StatusBadRequest, reason)
	}
	if !found {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "lameduck: "+reason, http.StatusServiceUnavailable)
		return r
	}
	return h.write(w, asked, uid, warn(r, "not injected: %s", reason))
}

func (h *handler) write(w http.ResponseWriter, asked metav1.TypeMeta, uid types.UID, a answer) result {
	text, err := encodeReview(asked, uid, a)
	if err != nil {
		h.log.Error("answer cannot be encoded", zap.Error(err))
		a = warn(failed, "not injected: internal error, see the log of the webhook")
		text, _ = encodeReview(asked, uid, a) // without a patch, encoding cannot fail
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // if it fails, the client is gone
	return a.result
}

// refuse answers a request that is not a review, without reading the rest of its body.
func refuse(w http.ResponseWriter, status int, reason string) result {
	w.Header().Set("Connection", "close")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "lameduck: "+reason+"\n")
	return invalid
}
