package tlsterm

import (
	"context"
	"io"
	"slices"
	"sync"
	"time"

	"lameduck/proxy/h2"
	"lameduck/proxy/pump"
)

// A client that supports both versions of HTTP gets HTTP/2 if the app speaks it without TLS. The
// app is asked on a connection of our own: an HTTP/2 server answers the preface with SETTINGS (RFC
// 9113 section 3.4). The answer is valid only for a while, because the app may be restarted as
// another program.

// questionTimeout is how long the app may take to answer. A busy app answers late, which is still
// useful to later clients.
const questionTimeout = 10 * time.Second

// answerWait is how long clients wait for an answer, counted from the question. An app that is not
// busy answers in a millisecond. After that, clients get what was known before, which is HTTP/1 at
// first.
const answerWait = 250 * time.Millisecond

// minValidity and maxValidity bound the time for which an answer is valid. It doubles each time the
// app confirms the answer, because some servers log each question as a bad request.
const (
	minValidity = 5 * time.Second
	maxValidity = time.Minute
)

// An http2Support records whether the app speaks HTTP/2. Its methods may be called by any
// goroutine. Only one question is asked at a time, without the mutex.
type http2Support struct {
	mu       sync.Mutex
	yes      bool
	until    time.Time     // the answer holds, or the zero time if there is none
	validity time.Duration // of the answer
	answered chan struct{} // closed with the answer to the current question, or nil if none is asked
	asked    time.Time     // when that was asked
}

// get reports whether the app speaks HTTP/2, as far as that can be found out within answerWait. If
// the app has to be asked, it calls ask, which starts a goroutine that calls answer or noAnswer.
func (s *http2Support) get(ask func()) bool {
	s.mu.Lock()
	now := time.Now()
	if now.Before(s.until) {
		defer s.mu.Unlock()
		return s.yes
	}
	if s.answered == nil {
		s.answered, s.asked = make(chan struct{}), now
		ask()
	}
	answered, rest := s.answered, s.asked.Add(answerWait).Sub(now)
	s.mu.Unlock()
	wait(answered, rest)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.yes
}

// wait waits until c is closed, but not for longer than d.
func wait(c <-chan struct{}, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c:
	case <-timer.C:
	}
}

// answer records the answer to the current question.
func (s *http2Support) answer(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if yes != s.yes || s.validity == 0 {
		s.validity = minValidity
	} else {
		s.validity = min(2*s.validity, maxValidity)
	}
	s.yes, s.until = yes, time.Now().Add(s.validity)
	s.endQuestion()
}

// noAnswer records that the app could not be asked. Each client asks again.
func (s *http2Support) noAnswer() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until, s.validity = time.Time{}, 0
	s.endQuestion()
}

func (s *http2Support) endQuestion() {
	close(s.answered)
	s.answered = nil
}

// forget makes the next client ask again.
func (s *http2Support) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until, s.validity = time.Time{}, 0
}

// AskHTTP2 asks an app whether it speaks HTTP/2, on a new connection that begins with the PROXY
// protocol header, if any. An app that answers nothing or anything else does not. asked is false if
// it could not be reached.
func AskHTTP2(ctx context.Context, dial Dialer, header []byte) (yes, asked bool) {
	ctx, cancel := context.WithTimeout(ctx, questionTimeout)
	defer cancel()
	app, err := dial(ctx)
	if err != nil {
		return false, false
	}
	defer func() { _ = app.Close() }()
	defer context.AfterFunc(ctx, func() { _ = app.SetDeadline(time.Now()) })()
	if _, err := app.Write(slices.Concat(header, []byte(h2.Preface), h2.AppendSettings(nil))); err != nil {
		return false, false
	}
	answer := make([]byte, h2.HeaderSize)
	n, _ := io.ReadFull(app, answer)
	yes, _ = h2.BeginsSettings(answer[:n])
	return yes && n == len(answer), true
}

// A Dialer makes a connection to the app.
type Dialer = func(ctx context.Context) (pump.Conn, error)
