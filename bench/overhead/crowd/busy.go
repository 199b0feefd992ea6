package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// keepBusy has a request in flight on each connection for the given time, and waits for the last
// responses.
func (c *crowd) keepBusy(d time.Duration) error {
	end := time.Since(c.start) + d
	for i := range c.members {
		if err := c.send(&c.members[i]); err != nil {
			return err
		}
	}
	var events [512]unix.EpollEvent
	for c.waiting > 0 {
		n, err := unix.EpollWait(c.epoll, events[:], int(answerTimeout/time.Millisecond))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return fmt.Errorf("wait for responses: %w", err)
		case n == 0:
			return fmt.Errorf("%d requests have no response within %s", c.waiting, answerTimeout)
		}
		for _, event := range events[:n] {
			if err := c.receive(&c.members[event.Fd], end); err != nil {
				return err
			}
		}
	}
	return nil
}

// send sends a request, which always fits the send buffer.
func (c *crowd) send(m *member) error {
	m.sent, m.got = time.Since(c.start), 0
	c.waiting++
	_, err := unix.Write(m.fd, c.request)
	return err
}

// receive reads from a connection and, before the end, sends its next request after a complete
// response.
func (c *crowd) receive(m *member, end time.Duration) error {
	var some [4096]byte
	n, err := unix.Read(m.fd, some[:])
	switch {
	case errors.Is(err, unix.EAGAIN):
		return nil
	case err != nil:
		return err
	case n == 0:
		return io.ErrUnexpectedEOF
	}
	if m.got == 0 {
		if err := checkStart(some[:n]); err != nil {
			return err
		}
	}
	if m.got += n; m.got > m.length {
		return fmt.Errorf("a response has %d bytes, the first one had %d", m.got, m.length)
	}
	if m.got < m.length {
		return nil
	}
	c.waiting--
	now := time.Since(c.start)
	if now >= end {
		return nil
	}
	c.latencies = append(c.latencies, now-m.sent)
	return c.send(m)
}

// wholeLength returns the length of a response with Content-Length, or -1 if its head is not
// complete.
func wholeLength(text []byte) (int, error) {
	if err := checkStart(text); err != nil {
		return 0, err
	}
	head, _, found := bytes.Cut(text, []byte("\r\n\r\n"))
	if !found {
		return -1, nil
	}
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			n, err := strconv.Atoi(string(bytes.TrimSpace(value)))
			return len(head) + 4 + n, err
		}
	}
	return 0, fmt.Errorf("no Content-Length in the head %q", head)
}

// A summary is the output. Latencies are in microseconds.
type summary struct {
	Requests int     `json:"requests"`
	Seconds  float64 `json:"seconds"`
	P50      float64 `json:"p50"`
	P99      float64 `json:"p99"`
}

func (c *crowd) summary(d time.Duration) summary {
	slices.Sort(c.latencies)
	return summary{
		Requests: len(c.latencies), Seconds: d.Seconds(),
		P50: quantile(c.latencies, 0.5), P99: quantile(c.latencies, 0.99),
	}
}

// quantile returns the smallest value that is at least as large as a share of all, in microseconds,
// or 0 if there is none.
func quantile(sorted []time.Duration, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	i := int(math.Ceil(share*float64(len(sorted)))) - 1
	return float64(sorted[max(0, min(i, len(sorted)-1))]) / float64(time.Microsecond)
}
