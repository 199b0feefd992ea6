//go:build !linux

package proxy

// dialSocket returns nil: package net dials.
func dialSocket(string) Dialer { return nil }
