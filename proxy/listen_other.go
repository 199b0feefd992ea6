//go:build !linux

package proxy

func setKeepAlive(uintptr) {}
