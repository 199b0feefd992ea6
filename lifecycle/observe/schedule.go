package observe

import "time"

// Dumps take less than 1/share of a core while serving. In a drain they take less than 1/shareWhen,
// unless longestWhen requires more.
const (
	share        = 800
	shareWhen    = 400
	shortest     = 2 * time.Second // between two dumps while serving
	shortestPast = 5 * time.Second // the same, if the dumps only detect connections that bypass a relay
	shortestWhen = 250 * time.Millisecond
	longestWhen  = 2 * time.Second // between two dumps in a drain
)

// spacing returns the time from one dump, which took cost, to the next.
// If only is set, there is no relay beside the observer.
func spacing(cost time.Duration, draining, only bool) time.Duration {
	switch {
	case draining:
		return min(longestWhen, max(shortestWhen, shareWhen*cost))
	case only:
		return max(shortest, share*cost)
	}
	return max(shortestPast, share*cost)
}

// lostSpacing returns the time from one dump to the next if ends have been lost.
func lostSpacing(cost time.Duration) time.Duration { return max(shortestWhen, shareWhen/8*cost) }

// freshness returns the maximum age of a dump for deciding the end of a hold.
func freshness(cost time.Duration) time.Duration { return max(20*time.Millisecond, 5*cost) }
