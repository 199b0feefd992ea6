//go:build unix

package measure

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// checkFiles returns an error if this process may not open as many connections as the load can need.
func checkFiles(cfg Config) error {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return nil //nolint:nilerr // unknown: a connection that cannot be opened is reported
	}
	const others = 100 // standard streams, the API server, DNS and kept connections
	if need := uint64(cfg.maxInFlight() + others); limit.Cur < need {
		return fmt.Errorf("%v requests each second with a timeout of %v can need %d open files, and the limit "+
			"is %d: raise it (ulimit -n), or lower --rate or --timeout", cfg.Rate, cfg.Timeout, need, limit.Cur)
	}
	return nil
}
