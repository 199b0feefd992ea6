//go:build !linux

package proxy

import "errors"

// markFallback refuses: a connection that cannot be marked could go round in circles.
func markFallback(uintptr) error { return errors.ErrUnsupported }

func isFallback(uintptr) bool { return false }
