package waitroom

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

const window = 5 * time.Second

// newTestRoom returns a room that replies with "expired" and "released".
func newTestRoom(limit int, window time.Duration) *Room {
	return New(Config{Limit: limit, Window: window, Expired: Line("expired"), Released: Line("released")})
}

// A call is a request that waits in a handler.
type call struct {
	ip   string
	done chan string // gets the body of the response, or "dropped"
}

// callFrom adds a caller that waits.
func callFrom(t *testing.T, r *Room, ip string) *call {
	t.Helper()
	c := &call{ip, make(chan string, 1)}
	go func() {
		defer func() {
			if recover() == http.ErrAbortHandler {
				c.done <- "dropped"
			}
		}()
		w := httptest.NewRecorder()
		req := httptest.NewRequestWithContext(t.Context(), "GET", "/hold", nil)
		req.RemoteAddr = ip + ":1234"
		r.Wait(w, req)
		c.done <- w.Body.String()
	}()
	synctest.Wait()
	return c
}

// end returns how the wait ended, or "waits".
func (c *call) end() string {
	synctest.Wait()
	select {
	case body := <-c.done:
		return body
	default:
		return "waits"
	}
}

func (c *call) want(t *testing.T, end string) {
	t.Helper()
	if got := c.end(); got != end {
		t.Errorf("caller %s: %q, want %q", c.ip, got, end)
	}
}

func wantAll(t *testing.T, calls []*call, end string) {
	t.Helper()
	for _, c := range calls {
		c.want(t, end)
	}
}

func inBubble(t *testing.T, limit int, test func(t *testing.T, r *Room)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newTestRoom(limit, window)
		test(t, r)
		r.Release()
	})
}

func TestEveryCallerWaitsForItsOwnWindow(t *testing.T) {
	inBubble(t, 10, func(t *testing.T, r *Room) {
		first := callFrom(t, r, "10.0.0.1")
		time.Sleep(2 * time.Second)
		second := callFrom(t, r, "10.0.0.1")
		time.Sleep(3*time.Second - 1)
		first.want(t, "waits")
		time.Sleep(1)
		first.want(t, "expired\n")
		time.Sleep(2*time.Second - 1)
		second.want(t, "waits")
		time.Sleep(1)
		second.want(t, "expired\n")
		third := callFrom(t, r, "10.0.0.1")
		time.Sleep(window - 1)
		third.want(t, "waits")
		time.Sleep(1)
		third.want(t, "expired\n")
	})
}

func TestInADrainEveryCallerWaitsForItsEnd(t *testing.T) {
	inBubble(t, 10, func(t *testing.T, r *Room) {
		before := callFrom(t, r, "10.0.0.1")
		time.Sleep(window - 1)
		r.Drain()
		after := callFrom(t, r, "10.0.0.1")
		time.Sleep(time.Hour)
		before.want(t, "waits")
		after.want(t, "waits")
		if n := r.Held(); n != 2 {
			t.Errorf("%d callers wait, want 2", n)
		}
		r.Release()
		before.want(t, "released\n")
		after.want(t, "released\n")
		callFrom(t, r, "10.0.0.1").want(t, "released\n")
	})
}

func TestWithoutAWindowCallersWaitForTheRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTestRoom(10, -1)
		c := callFrom(t, r, "10.0.0.1")
		time.Sleep(24 * time.Hour)
		c.want(t, "waits")
		r.Release()
		c.want(t, "released\n")
	})
}

func TestWhileServingTheOldestCallerOfTheBusiestAddressGoes(t *testing.T) {
	inBubble(t, 4, func(t *testing.T, r *Room) {
		kubelet := callFrom(t, r, "10.0.0.1")
		crowd := []*call{}
		for range 20 {
			crowd = append(crowd, callFrom(t, r, "10.0.0.66"))
		}
		late := callFrom(t, r, "10.0.0.2")
		kubelet.want(t, "waits")
		late.want(t, "waits")
		wantAll(t, crowd[:18], "dropped")
		wantAll(t, crowd[18:], "waits")
		if r.Waiting() != 4 || r.Dropped() != 18 {
			t.Errorf("%d wait and %d were dropped, want 4 and 18", r.Waiting(), r.Dropped())
		}
	})
}

func TestADrainDropsNoCallerThatHasWaitedSinceItsStart(t *testing.T) {
	inBubble(t, 4, func(t *testing.T, r *Room) {
		early := []*call{}
		for range 4 {
			early = append(early, callFrom(t, r, "10.0.0.66"))
		}
		r.Drain()
		kubelet := callFrom(t, r, "10.0.0.1") // the kubelet calls hooks in any order
		for range 100 {
			callFrom(t, r, "10.0.0.66")
		}
		kubelet.want(t, "waits")
		wantAll(t, early, "waits")
		r.Release()
		wantAll(t, early, "released\n")
		kubelet.want(t, "released\n")
	})
}

func TestTheLimitHoldsForManyAddresses(t *testing.T) {
	inBubble(t, 4, func(t *testing.T, r *Room) {
		for i := range 100 {
			callFrom(t, r, fmt.Sprintf("10.0.0.%d", i))
		}
		if r.Waiting() != 4 {
			t.Errorf("%d callers wait, want 4", r.Waiting())
		}
	})
}
