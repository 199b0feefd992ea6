package proxy

import (
	"time"

	"lameduck/lifecycle/silence"
	"lameduck/proxy/h1"
)

// A tunnelConn relays bytes without looking at them.
type tunnelConn struct{ base }

// relay relays bytes until the source ends, from kernel to kernel while there are many.
func (t *tunnelConn) relay(d direction) outcome {
	f := t.flow(d)
	body := h1.TunnelBody()
	for {
		f.Pass(len(f.Pending()))
		if o := t.retry(d, f.More(&body)); o.stops() {
			return o
		}
		t.used.Store(true)
	}
}

// A base is a relayer without streams, timers and notices.
type base struct{ *conn }

func (base) idleLocked() bool                            { return true }
func (base) streamsLocked() int                          { return 0 }
func (base) unansweredLocked() int                       { return 0 }
func (base) noticeDelayLocked() (after, _ time.Duration) { return 0, 0 }
func (base) closeLocked()                                {}

// giveUp stops looking at frames. The two peers decide what an invalid frame means.
func (c base) giveUp(d direction) outcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.notice.stop()
	c.relayer.closeLocked()
	c.speakLocked(tunnel)
	if c.inFlightLocked() == 0 {
		c.ledger.raiseClass(silence.Unknown)
		c.pushLocked(exchange{})
	}
	c.interruptLocked(1 - d)
	return outcome{verdict: switched}
}
