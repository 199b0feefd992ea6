//go:build !linux

package tlsterm

import "lameduck/proxy/pump"

// writable reports that every write may have to wait.
func writable(pump.Conn) bool { return false }
