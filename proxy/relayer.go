package proxy

import "time"

// A relayer relays a connection in one protocol. Each direction calls relay in its own goroutine.
// The methods with the suffix Locked are called with conn.mu held, by any goroutine.
type relayer interface {
	// relay relays one direction until it ends or another protocol follows.
	relay(d direction) outcome
	// idleLocked reports whether both directions probably wait with nothing buffered, so that the
	// connection may be parked.
	idleLocked() bool
	// streamsLocked returns the number of exchanges in flight that the ledger does not hold.
	streamsLocked() int
	// unansweredLocked returns the number of exchanges that the app has not answered completely,
	// without health probes.
	unansweredLocked() int
	// noticeDelayLocked returns the delay before the client gets its notice in a drain, and the
	// period over which such notices are spread. A zero spread means that there is no notice.
	noticeDelayLocked() (after, spread time.Duration)
	// closeLocked accounts for exchanges that have not ended when the connection, or its protocol,
	// ends.
	closeLocked()
}
