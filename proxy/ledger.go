package proxy

import (
	"net/netip"
	"time"

	"lameduck/lifecycle/silence"
)

// maxOutstanding bounds the relayed requests of a connection that are not answered yet. A client
// that pipelines more waits.
const maxOutstanding = 32

// A ledger holds the exchanges of a connection that have begun and not ended, in order, and
// accounts for each in the statistics and in the rhythm of its source. It is guarded by conn.mu.
type ledger struct {
	server *shared
	addr   netip.Addr      // of the client
	opened time.Duration   // when the connection was accepted
	source *silence.Source // nil before the first exchange that is traffic
	class  silence.Class   // of the source, as far as this connection shows

	switched int // status with which HTTP has ended on the connection, or 0

	ring  [maxOutstanding]exchange
	first uint8
	count uint8
}

func (l *ledger) len() int   { return int(l.count) }
func (l *ledger) full() bool { return l.count == maxOutstanding }

// traffic returns the number of exchanges that are not health probes.
func (l *ledger) traffic() (n int) {
	for i := range l.count {
		if !l.ring[(l.first+i)%maxOutstanding].probe {
			n++
		}
	}
	return n
}

// push adds an exchange that begins.
func (l *ledger) push(e exchange) {
	l.ring[(l.first+l.count)%maxOutstanding] = e
	l.count++
	l.begin(e)
}

// oldest returns the exchange that is answered next.
func (l *ledger) oldest() exchange { return l.ring[l.first] }

// pop accounts for the end of the oldest exchange, with the status code of its final response, or 0
// if it had none.
func (l *ledger) pop(status int) { l.end(l.remove(), status) }

// remove removes the oldest exchange, whose end is accounted for later.
func (l *ledger) remove() exchange {
	e := l.ring[l.first]
	l.first = (l.first + 1) % maxOutstanding
	l.count--
	return e
}

// sendBody records that the body of the newest exchange follows its head.
func (l *ledger) sendBody() {
	if l.count > 0 {
		l.ring[(l.first+l.count-1)%maxOutstanding].withholds = false
	}
}

// continueOldest records that the client of the oldest exchange has been asked for the body.
func (l *ledger) continueOldest() { l.ring[l.first].withholds = false }

// begin accounts for an exchange that the ledger does not hold, such as an HTTP/2 stream.
func (l *ledger) begin(e exchange) {
	if !e.probe {
		l.acquire()
	}
	l.server.beginExchange(l.source, e)
}

func (l *ledger) acquire() {
	if l.source == nil {
		l.source = l.server.sources.Acquire(l.addr, l.opened)
		l.source.Classify(l.class)
	}
}

// note records the sender of a request that begins.
func (l *ledger) note(s sender) {
	if s.checks {
		l.server.sources.HealthCheck(l.addr, s.checker, l.server.now())
	}
	l.raiseClass(s.class)
}

// raiseClass moves the source to a class, unless it is in a more cautious one.
func (l *ledger) raiseClass(c silence.Class) {
	if c <= l.class {
		return
	}
	l.class = c
	if l.source != nil {
		l.source.Classify(c)
	}
}

// beginUndecided accounts for bytes of an unknown protocol. They are in flight, but not an
// exchange.
func (l *ledger) beginUndecided() {
	l.acquire()
	l.server.beginWork(l.source)
}

// endUndecided accounts for their end: the protocol is known, or the connection has ended.
func (l *ledger) endUndecided() { l.server.endWork(l.source) }

// end accounts for the end of an exchange that the ledger does not hold.
func (l *ledger) end(e exchange, status int) { l.server.endExchange(l.source, e, status) }

// close accounts for what has not ended when the connection ends.
func (l *ledger) close() {
	for l.count > 0 {
		l.pop(l.switched)
	}
	if l.source != nil {
		l.server.sources.Release(l.source)
	}
}
