package childproc

import (
	"os"
	"slices"
	"time"

	"go.uber.org/zap"
)

// A program that becomes a daemon forks and exits with 0. Its orphan may do the same once more, and
// then opens its port. daemonWait limits the time for that, daemonPause is the time between two
// checks.
const (
	daemonWait  = 5 * time.Second
	daemonPause = 20 * time.Millisecond
)

// followDaemon returns the process ID of the daemon that the app has become, which is the app from
// now on, or 0 if there is none.
func (c *Child) followDaemon(ended chan os.Signal) (pid int) {
	if c.Daemon == nil || !c.status.Exited() || c.status.ExitStatus() != 0 {
		return 0
	}
	over := time.After(daemonWait)
	ticker := time.NewTicker(daemonPause)
	defer ticker.Stop()
	for previous := []int(nil); ; {
		c.reapEnded(0)
		left, settled := orphans()
		pid, wait := c.Daemon(left)
		if pid != 0 {
			c.Log.Info("app has become a daemon", zap.Int("from_pid", c.last), zap.Int("pid", pid))
			c.setPID(pid)
			return pid
		}
		// An orphan may have handed the socket to a child and exited since the list was made. If
		// the next list is the same, it has not.
		if !wait && settled && (len(left) == 0 || slices.Equal(left, previous)) {
			return 0
		}
		previous = left
		select {
		case <-ended:
		case <-ticker.C:
		case <-over:
			return 0
		}
	}
}
