package takeover

import (
	"fmt"
	"os"
)

// Daemon returns the first of the orphans that holds a moved socket, or 0. wait is true if no
// socket has been moved yet and an orphan is left that may bind one.
func (t *Takeover) Daemon(orphans []int) (pid int, wait bool) {
	sockets := t.notifier.movedSockets()
	for _, pid := range orphans {
		if holds(pid, sockets) {
			return pid, false
		}
	}
	return 0, len(sockets) == 0 && len(orphans) > 0
}

// holds reports whether a process has one of the sockets.
func holds(pid int, sockets map[string]bool) bool {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if target, err := os.Readlink(dir + "/" + e.Name()); err == nil && sockets[target] {
			return true
		}
	}
	return false
}

// movedSockets returns the names of the sockets that have been moved.
func (n *notifier) movedSockets() map[string]bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	sockets := make(map[string]bool)
	for name := range n.names {
		sockets[name] = true
	}
	return sockets
}
