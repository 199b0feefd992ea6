//go:build !lockcount

package proxy

import "sync"

// A mutex guards a connection. With the build tag lockcount it counts how often it is taken.
type mutex = sync.Mutex
