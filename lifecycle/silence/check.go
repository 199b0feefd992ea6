package silence

import (
	"net/netip"
	"time"
)

// A Checker is a kind of load balancer that checks the pod's health.
type Checker uint8

// The checkers.
const (
	OtherChecker Checker = iota
	ELB                  // load balancers of AWS
	Google               // load balancers of Google Cloud
	Azure                // load balancers of Azure
	Envoy                // and the gateways that are built on it
	HAProxy
	Nginx
	Checkers // their number
)

var checkerNames = [Checkers]string{"other", "elb", "google", "azure", "envoy", "haproxy", "nginx"}

func (c Checker) String() string { return checkerNames[c] }

// maxCheckAddresses bounds the addresses whose health checks are followed. Checks from others are
// reported, and change nothing.
const maxCheckAddresses = 256

// learned is the number of gaps between checks from which on their period is known.
const learned = 3

// missed is the number of periods without a check after which the checks are considered stopped.
const missed = 3

// A checkSeries is the health checks that come from one address.
type checkSeries struct {
	last   time.Duration
	period time.Duration // rises with a longer gap at once, falls slowly
	gaps   int
}

func (c *checkSeries) record(now time.Duration) {
	gap := now - c.last
	c.last = now
	if gap > Window {
		c.gaps, c.period = 0, 0
		return
	}
	c.period = max(gap, c.period-(c.period-gap)/8)
	c.gaps++
}

// stopsAt returns when the checks are considered stopped if no more come. It reports false if their
// period is not known.
func (c *checkSeries) stopsAt() (time.Duration, bool) {
	return c.last + missed*c.period, c.gaps >= learned
}

// HealthCheck records that a health check comes from addr at now. While the pod serves, the tracker
// learns where checks come from and how often. In a drain, addresses that are not known are only
// reported: anybody can send a request that looks like a health check. The source of addr is a
// proxy.
func (t *Tracker) HealthCheck(addr netip.Addr, kind Checker, now time.Duration) {
	addr = addr.Unmap().WithZone("")
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lastCheck[kind] = max(now, 1)
	if s, ok := t.addresses[addr]; ok {
		s.Classify(Proxy)
	}
	c, ok := t.checks[addr]
	switch {
	case ok:
		c.record(now)
	case t.draining() || len(t.checks) >= maxCheckAddresses && !t.evictChecksLocked(now):
	default:
		if t.checks == nil {
			t.checks = make(map[netip.Addr]*checkSeries)
		}
		t.checks[addr] = &checkSeries{last: now}
	}
}

// evictChecksLocked removes the addresses that have not sent a check for a long time. It reports
// whether there is room for another.
func (t *Tracker) evictChecksLocked(now time.Duration) bool {
	for addr, c := range t.checks {
		if now-c.last > Window {
			delete(t.checks, addr)
		}
	}
	return len(t.checks) < maxCheckAddresses
}

// checksStopLocked returns when the last of the known checks are considered stopped.
func (t *Tracker) checksStopLocked() (stop time.Duration) {
	stop = never
	for _, c := range t.checks {
		if at, ok := c.stopsAt(); ok {
			stop = max(stop, at)
		}
	}
	return stop
}
