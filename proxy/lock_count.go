//go:build lockcount

package proxy

import (
	"sync"
	"sync/atomic"
)

// A mutex guards a connection, and counts how often it is taken.
type mutex struct {
	sync.Mutex
	taken atomic.Int64
}

// Lock locks the mutex.
func (m *mutex) Lock() {
	m.taken.Add(1)
	m.Mutex.Lock()
}
