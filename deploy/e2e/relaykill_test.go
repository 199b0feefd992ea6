//go:build e2e

package e2e

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"lameduck/deploy/ctl/mode"
	"lameduck/deploy/deploytest"
)

// attempts are requests to one pod, one after the other, each on a new connection.
type attempts struct {
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu  sync.Mutex
	all []attempt
}

type attempt struct {
	sent time.Time
	err  error
}

func startAttempts(t *testing.T, url string) *attempts {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	a := &attempts{cancel: cancel}
	a.running.Go(func() {
		for ctx.Err() == nil {
			sent := time.Now()
			status, _, err := call(ctx, http.MethodGet, url)
			if err == nil && status != http.StatusOK {
				err = errors.New(http.StatusText(status))
			}
			if ctx.Err() == nil {
				a.add(attempt{sent, err})
			}
			pause(t, 5*time.Millisecond)
		}
	})
	t.Cleanup(a.end)
	return a
}

func (a *attempts) add(one attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, one)
}

func (a *attempts) end() {
	a.cancel()
	a.running.Wait()
}

// gap returns the first and the last failure since a time, and how many were refused. It is an
// error as long as requests fail.
func (a *attempts) gap(since time.Time) (first, last time.Time, refused int, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	answered := 0
	for _, one := range a.all {
		if one.sent.Before(since) {
			continue
		}
		if one.err == nil {
			answered++
			continue
		}
		answered = 0
		if errors.Is(one.err, syscall.ECONNREFUSED) {
			refused++
		}
		if first.IsZero() {
			first = one.sent
		}
		last = one.sent
	}
	if answered < 100 || refused == 0 {
		err = errors.New("the relay is not back")
	}
	return first, last, refused, err
}

// A relay that is killed, as the kernel does when it is out of memory, refuses connections until
// the kubelet has started it again. The kubelet waits ten seconds before it does that a second
// time.
func Test15AKilledRelayRefusesUntilItIsBack(t *testing.T) {
	installWebhook(t)
	s := newStage(t)
	s.enable(t)
	s.apply(t, byNumber)
	s.deploy(t, team{app: restricted, pod: "shareProcessNamespace: true"})
	s.expectMode(t, mode.Redirect, 1)
	pod := s.onlyPod(t)
	pause(t, settling)
	clients := startAttempts(t, s.url(pod, appPort))
	for _, most := range []time.Duration{10 * time.Second, 30 * time.Second} {
		pause(t, time.Second)
		killed := time.Now()
		// The answer would pass through the relay, so there is none.
		_, _, _ = call(t.Context(), http.MethodPost, s.url(pod, appPort)+"/kill?name=lameduck")
		var first, last time.Time
		var refused int
		deploytest.Await(t, waitTimeout, "the relay's return", func() (err error) {
			first, last, refused, err = clients.gap(killed)
			return err
		})
		t.Logf("%d requests were refused, the first %v after the signal, the last %v after that",
			refused, first.Sub(killed), last.Sub(first))
		if took := last.Sub(killed); took > most {
			t.Errorf("the relay was back %v after it was killed, want at most %v", took, most)
		}
	}
	if n := s.pods.life(pod).container("app").RestartCount; n != 0 {
		t.Errorf("the app was restarted %d times", n)
	}
	relayed := regexp.MustCompile(`(?m)^lameduck_exchanges_total\{.*\} [1-9]`)
	if !relayed.MatchString(s.metrics(t, pod)) {
		t.Error("the new relay has no exchanges: the rules are gone")
	}
}
