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
)

// queueWait is how long a request waits for its turn. The API server waits two seconds for the answer, as the configuration says.
const queueWait = 500 * time.Millisecond

// A handler answers AdmissionReviews.
type handler struct {
	injector *injector
	metrics  *metrics
	log      *zap.Logger
	account  *account
	turns    chan struct{} // holds one for each request that is being decided
	leaving  atomic.Bool   // clients are told to close their connections
	last     atomic.Int64  // when the latest request came, in Unix nanoseconds; 0: none has
}

// maxTurns is how many requests are decided at a time. That is work for the CPU alone and takes a fraction of a millisecond, so that more would make no
// answer come sooner; and each may take some 30 MB, if somebody tries.
const maxTurns = 4

func newHandler(i *injector, m *metrics, log *zap.Logger) *handler {
	turns := min(2*runtime.GOMAXPROCS(0), maxTurns)
	return &handler{injector: i, metrics: m, log: log, account: newAccount(maxBodies), turns: make(chan struct{}, turns)}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.metrics.inFlight.Inc()
	defer h.metrics.inFlight.Dec()
	h.last.Store(time.Now().UnixNano())
	if h.leaving.Load() {
		w.Header().Set("Connection", "close") // an idle connection stays: closing it would race with the next request
	}
	h.metrics.answered(h.serve(w, r))
}

func (h *handler) serve(w http.ResponseWriter, r *http.Request) result {
	if status, why := unacceptable(r); why != "" {
		return refuse(w, status, why)
	}
	b := &body{account: h.account}
	defer b.free()
	switch err := b.read(r.Body); {
	case errors.Is(err, errTooLong):
		return refuse(w, http.StatusRequestEntityTooLarge, err.Error())
	case errors.Is(err, errNoMemory):
		return h.giveUp(w, b.bytes, overload, "the webhook is overloaded: its requests take too much memory")
	case err != nil:
		return refuse(w, http.StatusBadRequest, "the body does not come: "+err.Error())
	}
	began := time.Now()
	defer func() { h.metrics.took(time.Since(began)) }()
	if !h.takeTurn(r.Context()) {
		return h.giveUp(w, b.bytes, overload, "the webhook is overloaded: it has too much to do")
	}
	defer func() { <-h.turns }()
	if hasManyParts(b.bytes) {
		return h.giveUp(w, b.bytes, failed, "the pod has too many parts to look at")
	}
	return h.review(w, b.bytes)
}

// review answers a request that was read whole.
func (h *handler) review(w http.ResponseWriter, text []byte) result {
	review, err := decodeReview(text)
	if err != nil {
		return refuse(w, http.StatusBadRequest, err.Error())
	}
	return h.write(w, review.TypeMeta, review.Request.UID, h.injector.answer(review))
}

// unacceptable says why a request cannot have a review, before anything of its body is read.
func unacceptable(r *http.Request) (status int, why string) {
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

// takeTurn waits for a turn. false: it has not come.
func (h *handler) takeTurn(ctx context.Context) bool {
	select {
	case h.turns <- struct{}{}:
		return true
	default:
	}
	timer := time.NewTimer(queueWait)
	defer timer.Stop()
	select {
	case h.turns <- struct{}{}:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// giveUp answers a request of which only the beginning is looked at. The connection ends, since more of the body may come.
func (h *handler) giveUp(w http.ResponseWriter, text []byte, r result, why string) result {
	w.Header().Set("Connection", "close")
	asked, uid, found := beginning(text)
	if !found && r == failed {
		return refuse(w, http.StatusBadRequest, why)
	}
	if !found {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "lameduck: "+why, http.StatusServiceUnavailable)
		return r
	}
	return h.write(w, asked, uid, warn(r, "not injected: %s", why))
}

func (h *handler) write(w http.ResponseWriter, asked metav1.TypeMeta, uid types.UID, a answer) result {
	text, err := encodeReview(asked, uid, a)
	if err != nil {
		h.log.Error("answer cannot be written", zap.Error(err))
		a = warn(failed, "not injected: the webhook has a fault, see its log")
		text, _ = encodeReview(asked, uid, a) // it has no patch, which alone can be at fault
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // a client that has gone has given up already
	return a.result
}

// refuse answers what is no review. The rest of the body is not waited for.
func refuse(w http.ResponseWriter, status int, why string) result {
	w.Header().Set("Connection", "close")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "lameduck: "+why+"\n")
	return invalid
}
