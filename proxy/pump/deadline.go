package pump

import (
	"sync"
	"sync/atomic"
	"time"
)

// past is a time in the past.
var past = time.Unix(1, 0)

// A Deadline is the time until which reads from the source of a flow may wait. Every limit on such
// a wait is set here and nowhere else, so that no limit cancels another one, and Running knows of
// all of them. Its methods may be called by any goroutine.
type Deadline struct {
	limited atomic.Bool // there is a limit on silence, which Arm restarts

	mu  sync.Mutex
	src Conn
	// Limits, none of which is set if it is zero.
	head    time.Time     // the source has to complete a message's head
	linger  time.Time     // the source has to close its side
	final   time.Time     // the connection ends, and nothing puts that off
	silence time.Duration // from one byte to the next

	until  time.Time // the earliest of the limits, or the zero time if none is set
	roused bool      // reads return at once

	expired bool // reads return at once, until Revive
}

// Watch makes src the source, without any limit.
func (d *Deadline) Watch(src Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.src = src
	d.head, d.linger, d.final, d.until = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	d.silence, d.roused, d.expired = 0, false, false
	d.limited.Store(false)
}

// LimitHead limits the time that the head of a message takes. The zero time lifts the limit.
func (d *Deadline) LimitHead(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.head = t
	d.apply()
}

// LimitLinger limits the time until the source closes its side, regardless of what it sends.
func (d *Deadline) LimitLinger(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.head, d.linger = time.Time{}, t
	d.limitSilence(0)
	d.apply()
}

// PutOffLinger postpones the limit of LimitLinger, if there is one.
func (d *Deadline) PutOffLinger(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.linger.IsZero() {
		d.linger = t
	}
	d.apply()
}

// LimitSilence limits the time from one byte to the next, beginning now. Zero lifts the limit.
func (d *Deadline) LimitSilence(limit time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.limitSilence(limit)
	d.apply()
}

func (d *Deadline) limitSilence(limit time.Duration) {
	d.silence = limit
	d.limited.Store(limit > 0)
}

// LimitAll makes every read fail from t on. It replaces all other limits, except an earlier one of
// LimitAll.
func (d *Deadline) LimitAll(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.roused = false
	if d.final.IsZero() || t.Before(d.final) {
		d.final = t
	}
	d.limitSilence(0)
	d.apply()
}

// Arm restarts the limit on silence, before a read.
func (d *Deadline) Arm() {
	if !d.limited.Load() {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.apply()
}

// Rouse makes reads return with a timeout at once, until Calm is called. It does nothing once
// LimitAll has been called.
func (d *Deadline) Rouse() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.roused = d.final.IsZero()
	d.apply()
}

// Calm lets reads wait again, as long as the limits allow.
func (d *Deadline) Calm() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.roused = false
	d.apply()
}

// Expire makes reads return with a timeout at once, until Revive is called.
func (d *Deadline) Expire() { d.setExpired(true) }

// Revive undoes Expire.
func (d *Deadline) Revive() { d.setExpired(false) }

func (d *Deadline) setExpired(expired bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expired = expired
	d.apply()
}

// Running reports whether a limit is set.
func (d *Deadline) Running() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.until.IsZero()
}

// Passed reports whether a limit has been reached at now. If not, a read that timed out was roused.
func (d *Deadline) Passed(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.until.IsZero() && !now.Before(d.until)
}

// apply makes the source's reads fail at the earliest of the limits. The caller holds mu.
func (d *Deadline) apply() {
	d.until = d.earliest(time.Now())
	if d.src == nil {
		return
	}
	if d.roused || d.expired {
		_ = d.src.SetReadDeadline(past)
	} else {
		_ = d.src.SetReadDeadline(d.until)
	}
}

// earliest returns the earliest of the limits, or the zero time if none is set.
func (d *Deadline) earliest(now time.Time) (t time.Time) {
	if !d.final.IsZero() {
		return d.final
	}
	limits := [...]time.Time{d.head, d.linger, {}}
	if d.silence > 0 {
		limits[2] = now.Add(d.silence)
	}
	for _, limit := range limits {
		if !limit.IsZero() && (t.IsZero() || limit.Before(t)) {
			t = limit
		}
	}
	return t
}
