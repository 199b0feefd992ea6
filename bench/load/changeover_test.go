package load

import (
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lameduck/bench/openloop"
	"lameduck/bench/port"
)

// A flag is set while the load balancer makes a change.
type flag struct{ atomic.Bool }

// set returns a step of a peer that sets the flag.
func (f *flag) set(to bool) peer {
	return func(*net.TCPConn, []byte) { f.Store(to) }
}

func (f *flag) client(addr string, timeout time.Duration) *client {
	return newClient(addr, Config{Timeout: timeout, Unsettled: f.Load}.withDefaults())
}

const begun = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n7:"

// Each rule is tested by itself: a changeover and the nearest loss differ in one thing.
func TestResetIsAChangeoverOnlyOnANewConnectionWhileUnsettledBeforeTheAnswer(t *testing.T) {
	for name, tc := range map[string]struct {
		opened, broken bool // unsettled then
		end            peer
		want           Cause
	}{
		"RST, unsettled throughout":            {true, true, reset, Changeover},
		"FIN, unsettled throughout":            {true, true, finish, Changeover},
		"RST, opened while unsettled":          {true, false, reset, Changeover},
		"RST, broken while unsettled":          {false, true, reset, Changeover},
		"RST, settled throughout":              {false, false, reset, Reset},
		"FIN, settled throughout":              {false, false, finish, Reset},
		"RST after the first byte":             {true, true, then(answer("HTTP/1.1 103 Early Hints\r\n\r\n"), finish), Truncated},
		"FIN in the body":                      {true, true, then(answer(begun), finish), Truncated},
		"502":                                  {true, true, answer("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"), BadGateway},
		"silence":                              {true, true, answer(""), Timeout},
		"the right answer":                     {true, true, echo, ""},
		"the right answer, settled meanwhile":  {true, false, echo, ""},
		"the right answer of another request":  {true, true, answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n8:"), Garbled},
		"a wrong status on a settled balancer": {false, false, answer("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"), Unavailable},
	} {
		for kind, newConn := range map[string]bool{"keep-alive": false, "new connection": true} {
			t.Run(name+", "+kind, func(t *testing.T) {
				var unsettled flag
				unsettled.Store(tc.opened)
				s := serve(t, then(unsettled.set(tc.broken), tc.end))
				timeout := time.Minute
				if tc.want == Timeout {
					timeout = 50 * time.Millisecond
				}
				c := unsettled.client(s.addr, timeout)
				defer c.pool.Close()
				err := c.exchange(t.Context(), Request{Method: "POST", Body: 100, NewConn: newConn}, 7)
				if got := openloop.CauseOf(err); got != tc.want {
					t.Errorf("counted as %q, want %q: %v", got, tc.want, err)
				}
			})
		}
	}
}

// The kernel resets a connection that is in the backlog of a socket when the socket is closed.
func TestConnectionInTheQueueOfAClosedSocketIsAChangeover(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var unsettled flag
	unsettled.Store(true)
	c := unsettled.client(l.Addr().String(), time.Minute)
	defer c.pool.Close()
	conn, err := c.pool.Dial(t.Context()) // established by the kernel, without an accept
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	got := openloop.CauseOf(c.account(true, c.use(t.Context(), conn, time.Now().Add(time.Minute), Request{}, 7)))
	if got != Changeover {
		t.Errorf("counted as %q, want %q", got, Changeover)
	}
}

func TestResetOfAKeptConnectionIsALossAlsoWhileUnsettled(t *testing.T) {
	for name, end := range map[string]peer{"RST": reset, "FIN": finish} {
		t.Run(name, func(t *testing.T) {
			var unsettled flag
			s := serve(t, echo, then(unsettled.set(true), end))
			c := unsettled.client(s.addr, time.Minute)
			defer c.pool.Close()
			r := Request{Method: "POST", Body: 100}
			if err := c.exchange(t.Context(), r, 0); err != nil {
				t.Fatal(err)
			}
			if got := openloop.CauseOf(c.exchange(t.Context(), r, 1)); got != Reset {
				t.Errorf("counted as %q, want %q", got, Reset)
			}
			if _, conns := s.seen(); conns != 1 {
				t.Errorf("%d connections, want one that is reused", conns)
			}
		})
	}
}

// A load balancer opens its new socket before it closes the old one.
func TestRefusalIsALossAlsoWhileUnsettled(t *testing.T) {
	addr, err := port.Addr()
	if err != nil {
		t.Fatal(err)
	}
	var unsettled flag
	unsettled.Store(true)
	c := unsettled.client(addr, time.Minute)
	defer c.pool.Close()
	if got := openloop.CauseOf(c.exchange(t.Context(), Request{}, 0)); got != Refused {
		t.Errorf("counted as %q, want %q", got, Refused)
	}
}

func TestResetWhileConnectingIsAChangeoverWhereUnsettled(t *testing.T) {
	var unsettled flag
	c := unsettled.client("127.0.0.1:1", time.Minute)
	err := openloop.DialFailure(&net.OpError{Op: "dial", Err: syscall.ECONNRESET})
	for opened, want := range map[bool]Cause{true: Changeover, false: Reset} {
		if got := openloop.CauseOf(c.account(opened, err)); got != want {
			t.Errorf("unsettled %t: counted as %q, want %q", opened, got, want)
		}
	}
}
