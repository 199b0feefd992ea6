package load

import (
	"errors"

	"golang.org/x/sys/unix"
)

// ErrTooSlow says that so many requests were out at a time that whatever became of them would tell of the machine.
var ErrTooSlow = errors.New("this machine is too slow for the load")

// MostOut is how many requests may be out at a time where a Config says nothing else: a load of 400 requests each second of
// which none is answered within the default timeout stays below it, so that those are counted as lost; one of 5,000 has stalled
// for most of a second when it reaches it.
const MostOut = 4096

// mostOut returns MostOut, or less in a process that may not open that many files. A request that is out takes up to three of
// them where the load balancer is in this process too, and the idle connections of a quarter as many requests take two
// each: three and a half in all, and the rest of four is left for what else is open.
func mostOut(files uint64) int {
	return int(min(MostOut, max(files/4, 1)))
}

// openFiles is how many files this process may open. Where nothing says, there is no limit.
func openFiles() uint64 {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return unix.RLIM_INFINITY
	}
	return limit.Cur // which Go has raised to the hard limit
}

// idle is how many idle connections are kept to each address. Crowds of clients have no such limit in common; but more of them
// than a quarter of what may be out are kept only after a stall, and they keep files from being opened.
func (c Config) idle() int { return max(c.MostOut/4/max(len(c.Addrs), 1), 1) }
