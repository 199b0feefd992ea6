package load

import "golang.org/x/sys/unix"

// MostInFlight is how many requests may be in flight at a time by default. A load of 400 requests
// each second stays below it even if none is answered within the default timeout, so that all are
// counted as lost. A load of 5,000 reaches it after a stall of most of a second.
const MostInFlight = 4096

// mostInFlight returns MostInFlight, or less if this process may not open enough files. A request
// in flight needs up to three files if the load balancer is in this process too. Idle connections
// need two each, and there is one for every four requests. This sums to three and a half files for
// each request. The limit assumes four, to leave some for other files.
func mostInFlight(files uint64) int {
	return int(min(MostInFlight, max(files/4, 1)))
}

// openFiles returns how many files this process may open. If that is unknown, there is no limit.
func openFiles() uint64 {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return unix.RLIM_INFINITY
	}
	return limit.Cur // which Go has raised to the hard limit
}

// idle returns the number of idle connections kept to each address. Independent clients have no
// such limit in common. But more than a quarter of the requests that may be in flight are idle only
// after a stall, and idle connections use up files.
func (c Config) idle() int { return max(c.MostInFlight/4/max(len(c.Addrs), 1), 1) }
