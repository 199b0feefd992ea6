package observe

import (
	"net"
	"sync"
	"time"

	"lameduck/lifecycle/sockdiag"
)

// An alarm replaces the reader of ends where the kernel reports none. Wait only waits for the
// deadline.
type alarm struct {
	mu       sync.Mutex
	deadline time.Time
	changed  chan struct{}
	closed   chan struct{}
	close    sync.Once
}

func newAlarm() *alarm {
	return &alarm{changed: make(chan struct{}, 1), closed: make(chan struct{})}
}

func (a *alarm) SetDeadline(t time.Time) {
	a.mu.Lock()
	a.deadline = t
	a.mu.Unlock()
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

func (a *alarm) Wait() error {
	for {
		a.mu.Lock()
		t := time.NewTimer(time.Until(a.deadline))
		a.mu.Unlock()
		select {
		case <-t.C:
			return nil
		case <-a.changed:
			t.Stop()
		case <-a.closed:
			t.Stop()
			return net.ErrClosed
		}
	}
}

func (a *alarm) Drain(func(*sockdiag.Connection)) (int, error) { return 0, nil }

func (a *alarm) Pause() error { return nil }

func (a *alarm) Resume() error { return nil }

func (a *alarm) Close() { a.close.Do(func() { close(a.closed) }) }
