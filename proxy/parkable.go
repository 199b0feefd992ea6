package proxy

import "time"

// parkAfter is the time between two sweeps. A connection without a byte between two of them is
// parked.
const parkAfter = 2 * time.Second

// A parkable is a connection that the parker watches.
type parkable interface {
	// wake starts the goroutines of the connection again.
	wake()
}
