//go:build !linux

package mss

import "errors"

// set fails: connections without a mark could be passed from fallback to fallback forever.
func set(uintptr, Mark) error { return errors.ErrUnsupported }

func peer(uintptr) Mark { return 0 }
