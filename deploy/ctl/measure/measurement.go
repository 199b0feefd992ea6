package measure

import (
	"context"
	"crypto/tls"
	"sync"
	"sync/atomic"
	"time"

	"lameduck/bench/openloop"
)

// A Measurement is a load on a service.
type Measurement struct {
	cfg    Config
	book   *addressBook
	client *client
	lanes  []Lane

	started        chan struct{} // closed when the load begins
	requests, lost atomic.Int64  // ended so far

	mu   sync.Mutex
	pods map[string]*PodAnswers
}

// PodAnswers has the times of the requests that a pod has answered.
type PodAnswers struct {
	// First and Last are the times at which the first and the last of these requests were sent.
	First, Last time.Time
	Requests    int
}

// New looks up the addresses of the service and makes a few requests, to determine the protocols and
// to see that the service works. Its error explains what does not.
func New(ctx context.Context, cfg Config) (*Measurement, error) {
	if cfg.TLS == nil {
		cfg.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if err := checkFiles(cfg); err != nil {
		return nil, err
	}
	book, err := newAddressBook(ctx, cfg.URL)
	if err != nil {
		return nil, err
	}
	if err := book.tryAll(ctx, cfg.Timeout); err != nil {
		return nil, err
	}
	m := &Measurement{cfg: cfg, book: book, client: newClient(cfg, book), pods: map[string]*PodAnswers{},
		started: make(chan struct{})}
	protocols, err := m.client.probe(ctx)
	if err != nil {
		return nil, err
	}
	m.lanes = lanes(protocols, cfg.Post != nil)
	m.client.use(m.lanes)
	return m, nil
}

// Lanes returns the lanes that are measured.
func (m *Measurement) Lanes() []Lane { return m.lanes }

// Started is closed when the load begins, just after Result.Start.
func (m *Measurement) Started() <-chan struct{} { return m.started }

// Counts returns how many requests have ended so far, and how many of them were lost.
func (m *Measurement) Counts() (requests, lost int) {
	return int(m.requests.Load()), int(m.lost.Load())
}

// A Result has the outcome of every request.
type Result struct {
	*openloop.Result[Lane]
	// Ended is "failures" or "requests" if a limit of the Config ended the load, or else empty.
	Ended string
	// Took is the time from the start to the last answer.
	Took time.Duration
	// Pods are the pods that have answered, by name, if responses name them.
	Pods map[string]*PodAnswers
}

// Run sends the load until ctx is done or a limit is reached, and waits for the answers to the
// requests in flight. It is called once.
func (m *Measurement) Run(ctx context.Context) (*Result, error) {
	load, stop := context.WithCancel(ctx)
	defer stop()
	defer m.client.close()
	var following sync.WaitGroup
	if !m.cfg.Pin {
		following.Go(func() { m.book.follow(load) })
	}
	result, err := openloop.Run(load, openloop.Config[Lane]{
		Arrivals: m.arrivals(), Requests: m.lanes, MostInFlight: m.cfg.maxInFlight(),
	}, func(ctx context.Context, l Lane, _ int) error { return m.exchange(ctx, l, stop) })
	stop()
	following.Wait()
	if err != nil {
		return nil, err
	}
	r := &Result{Result: result, Took: time.Since(result.Start), Pods: m.pods}
	switch requests, lost := m.Counts(); {
	case m.cfg.MaxFailures > 0 && lost >= m.cfg.MaxFailures:
		r.Ended = "failures"
	case m.cfg.MaxRequests > 0 && requests >= m.cfg.MaxRequests:
		r.Ended = "requests"
	}
	return r, nil
}

// arrivals yields the times of the requests, up to the limit.
func (m *Measurement) arrivals() openloop.Arrivals {
	return func(yield func(time.Duration) bool) {
		close(m.started)
		n := 0
		for due := range openloop.Constant(m.cfg.Rate) {
			if m.cfg.MaxRequests > 0 && n >= m.cfg.MaxRequests || !yield(due) {
				return
			}
			n++
		}
	}
}

// exchange makes one request and counts it. It calls stop if too many were lost.
func (m *Measurement) exchange(ctx context.Context, l Lane, stop func()) error {
	sent := time.Now()
	pod, err := m.client.exchange(ctx, l)
	m.requests.Add(1)
	if err != nil {
		if n := m.lost.Add(1); m.cfg.MaxFailures > 0 && n >= int64(m.cfg.MaxFailures) {
			stop()
		}
	} else if pod != "" {
		m.answered(pod, sent)
	}
	return err
}

func (m *Measurement) answered(pod string, sent time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.pods[pod]
	if p == nil {
		p = &PodAnswers{First: sent, Last: sent}
		m.pods[pod] = p
	}
	p.Requests++
	if sent.Before(p.First) {
		p.First = sent
	}
	if sent.After(p.Last) {
		p.Last = sent
	}
}
