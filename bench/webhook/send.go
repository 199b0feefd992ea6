package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"lameduck/bench/internal/wait"
)

// maxWaiting bounds the requests in flight, and so the memory while the webhook does not answer.
const maxWaiting = 2000

// A load sends reviews at a constant rate.
type load struct {
	url    string
	rate   int
	last   time.Duration
	client *http.Client

	mu        sync.Mutex
	took      []time.Duration // of each answer
	unpatched int
	failed    int
	fault     error // the first one
	lasted    time.Duration
}

// run sends requests for the duration, and waits for the answers.
func (l *load) run(ctx context.Context) {
	reviews := makeReviews()
	waiting := make(chan struct{}, maxWaiting)
	var all sync.WaitGroup
	began := time.Now()
	total := int(l.last.Seconds() * float64(l.rate))
	for n := range total {
		due := began.Add(time.Duration(n) * time.Second / time.Duration(l.rate))
		if wait.For(ctx, time.Until(due)) != nil {
			break
		}
		waiting <- struct{}{}
		all.Go(func() {
			patched, err := l.ask(ctx, reviews[n%len(reviews)])
			l.note(time.Since(due), patched, err)
			<-waiting
		})
	}
	all.Wait()
	l.lasted = time.Since(began)
}

func (l *load) note(took time.Duration, patched bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.failed++
		if l.fault == nil {
			l.fault = err
		}
		return
	}
	l.took = append(l.took, took)
	if !patched {
		l.unpatched++
	}
}

// ask sends one review and reports whether the answer has a patch.
func (l *load) ask(ctx context.Context, review []byte) (patched bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, bytes.NewReader(review))
	if err != nil {
		return false, err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := l.client.Do(r)
	if err != nil {
		return false, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return false, err
	}
	var decoded struct {
		Response struct {
			Allowed bool
			Patch   []byte
		}
	}
	err = json.Unmarshal(text, &decoded)
	if err != nil || answer.StatusCode != http.StatusOK || !decoded.Response.Allowed {
		return false, fmt.Errorf("HTTP %d: %.200s", answer.StatusCode, text)
	}
	return len(decoded.Response.Patch) > 0, nil
}
