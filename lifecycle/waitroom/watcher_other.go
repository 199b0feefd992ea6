//go:build !linux

package waitroom

import (
	"net"
	"sync"
)

// A watcher notices connections that their clients have closed, with a goroutine for each.
type watcher struct {
	left    func(token uint64)
	running sync.WaitGroup
}

func newWatcher(left func(token uint64)) *watcher { return &watcher{left: left} }

func (w *watcher) add(conn net.Conn, token uint64) {
	w.running.Go(func() { readToEnd(conn, token, w.left) })
}

// close waits for the goroutines. Every connection has been closed before.
func (w *watcher) close() { w.running.Wait() }
