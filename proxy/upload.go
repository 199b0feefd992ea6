package proxy

import "time"

// A response may end before its request, such as a 413 or a 401 to a large upload. As long as the
// app reads the rest of the body, it is relayed, and the exchange is in flight. That also holds if
// the app has half-closed its side, as servers do that linger so that no reset destroys the
// response, and if the response has asked the client to disconnect.

// uploadTimeout is how long an upload may stand still once the response side of its connection has
// ended: because the client is silent, or because the app reads nothing.
const uploadTimeout = 20 * time.Second

// uploadTick is the time between two looks at an upload. Looks are counted, not time, so that an
// upload does not end because this process has been stopped.
const uploadTick = 5 * time.Second

// An upload is the rest of a request whose response has ended, or will never come. It is guarded by
// conn.mu. Its methods do nothing on a nil upload.
type upload struct {
	held     bool // the exchange ends with the upload; otherwise it is outstanding
	exchange exchange
	status   int // of the response

	framed    bool // the response did not end with the connection
	postponed bool // the connection is closed behind the upload

	stall stall       // of the bytes that pass to the app
	timer *time.Timer // looks for a stall; nil until the response side has ended
}

// inFlight returns the number of exchanges whose upload alone has not ended.
func (u *upload) inFlight() int {
	if u != nil && u.held {
		return 1
	}
	return 0
}

// traffic is inFlight without health probes.
func (u *upload) traffic() int {
	if u != nil && u.exchange.probe {
		return 0
	}
	return u.inFlight()
}

// end accounts for the end of the upload.
func (u *upload) end(l *ledger) {
	if u == nil {
		return
	}
	if u.timer != nil {
		u.timer.Stop()
	}
	if u.held {
		l.end(u.exchange, u.status)
	}
}

// A stall measures how long a count has not changed.
type stall struct {
	count uint64
	seen  int // the number of looks that have seen it
}

// looks returns the number of earlier calls in a row that have seen the same count.
func (s *stall) looks(count uint64) int {
	if count != s.count {
		*s = stall{count: count}
	}
	s.seen++
	return s.seen - 1
}
