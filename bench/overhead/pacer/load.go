package main

import (
	"fmt"
	"time"
)

// A wire is a clock and connections. Connections are numbered from 0. Times count from an arbitrary
// fixed moment.
type wire interface {
	now() time.Duration
	// wait returns the connections that have data, or none at the given time.
	wait(until time.Duration) ([]int, error)
	send(conn int) error
	// receive reads the data, and reports whether the response is complete.
	receive(conn int) (whole bool, err error)
}

// A pace determines when requests are due: total requests, evenly spaced, the first at 0.
type pace struct {
	perSecond float64
	total     int
}

// due computes the time from the start, since a sum of rounded gaps would drift.
func (p pace) due(request int) time.Duration {
	return time.Duration(float64(request) / p.perSecond * float64(time.Second))
}

// answerTimeout bounds the time to the last responses once all requests are due.
const answerTimeout = 5 * time.Second

// A load is one run of requests over one wire. Every request is answered or the run fails. Nothing
// is ever repeated.
type load struct {
	wire wire
	pace pace

	began   time.Duration // by the wire's clock
	noticed int           // requests that were found to be due
	sent    int           // requests, in their order
	idle    []int         // connections, the longest idle first
	request []int         // by connection: the request in flight
	latency []time.Duration
	late    []time.Duration // by request: from its due time until it was noticed
}

func newLoad(w wire, p pace, connections int) *load {
	l := &load{
		wire:    w,
		pace:    p,
		request: make([]int, connections),
		latency: make([]time.Duration, 0, p.total),
		late:    make([]time.Duration, 0, p.total),
	}
	for c := range connections {
		l.idle = append(l.idle, c)
	}
	return l
}

// run sends every request when it is due and returns once all are answered.
func (l *load) run() error {
	l.began = l.wire.now()
	for len(l.latency) < l.pace.total {
		if err := l.sendDue(); err != nil {
			return err
		}
		ready, err := l.wire.wait(l.began + l.next())
		if err != nil {
			return err
		}
		for _, conn := range ready {
			if err := l.receive(conn); err != nil {
				return err
			}
		}
		if now := l.now(); len(ready) == 0 && now >= l.end() {
			return fmt.Errorf("%d of %d requests have no response after %s",
				l.pace.total-len(l.latency), l.pace.total, now)
		}
	}
	return nil
}

// sendDue sends the requests that are due, as far as there are idle connections.
func (l *load) sendDue() error {
	now := l.now()
	for ; l.noticed < l.pace.total && l.pace.due(l.noticed) <= now; l.noticed++ {
		l.late = append(l.late, now-l.pace.due(l.noticed))
	}
	for l.sent < l.noticed && len(l.idle) > 0 {
		conn := l.idle[0]
		l.idle = l.idle[1:]
		l.request[conn] = l.sent
		l.sent++
		if err := l.wire.send(conn); err != nil {
			return fmt.Errorf("send request %d: %w", l.request[conn], err)
		}
	}
	return nil
}

// receive records a request's latency at the last byte of its response.
func (l *load) receive(conn int) error {
	whole, err := l.wire.receive(conn)
	if err != nil {
		return fmt.Errorf("receive the response to request %d: %w", l.request[conn], err)
	}
	if whole {
		l.latency = append(l.latency, l.now()-l.pace.due(l.request[conn]))
		l.idle = append(l.idle, conn)
	}
	return nil
}

// next returns the time until which there is nothing to do, except for responses.
func (l *load) next() time.Duration {
	if l.noticed < l.pace.total {
		return l.pace.due(l.noticed)
	}
	return l.end()
}

func (l *load) end() time.Duration { return l.pace.due(l.pace.total) + answerTimeout }

func (l *load) now() time.Duration { return l.wire.now() - l.began }
