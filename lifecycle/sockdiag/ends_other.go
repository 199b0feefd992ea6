//go:build !linux

package sockdiag

import "time"

// Ends receives nothing.
type Ends struct{}

// WatchEnds fails.
func WatchEnds(_, _ []uint16) (*Ends, error) { return nil, ErrUnavailable }

// SetDeadline does nothing.
func (*Ends) SetDeadline(time.Time) {}

// Wait fails.
func (*Ends) Wait() error { return ErrUnavailable }

// Drain fails.
func (*Ends) Drain(func(*Connection)) (int, error) { return 0, ErrUnavailable }

// Pause fails.
func (*Ends) Pause() error { return ErrUnavailable }

// Resume fails.
func (*Ends) Resume() error { return ErrUnavailable }

// Close does nothing.
func (*Ends) Close() {}
