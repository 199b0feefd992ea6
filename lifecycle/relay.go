package lifecycle

import (
	"context"
	"time"

	"lameduck/lifecycle/silence"
)

// A Relay is the data plane. Its methods may be called by any goroutine. Only Close waits.
type Relay interface {
	// Drain makes every connection ask its client to leave. Everything is still served.
	Drain()
	// Forecast returns whether more requests are expected of the clients, and why.
	Forecast(rule silence.Rule) silence.Forecast
	// Undelivered returns the number of connections whose client is still receiving something.
	Undelivered() int
	// CloseIdle closes the connections on which nothing is in flight.
	CloseIdle()
	// Answering returns the number of connections with something in flight of which the app has not
	// ended its side.
	Answering() int
	// AppEnded sends new connections to a fallback, or refuses them if there is none. It reports
	// whether any are still served.
	AppEnded() (served bool)
	// Cut ends every connection. It returns how many had exchanges in flight, and how many
	// exchanges.
	Cut() (connections, exchanges int)
	// Close ends everything. What is in flight when ctx is done is cut and returned.
	Close(ctx context.Context) (connections, exchanges int)
	// DrainStats returns what has been counted so far.
	DrainStats() DrainStats
}

// DrainStats are what the relay counts of a drain.
type DrainStats struct {
	Exchanges    uint64        // that began after the drain's start
	LastExchange time.Duration // from the drain's start to the begin of the last of them
	Unanswered   uint64        // exchanges whose connection the app ended in the drain without an answer
	// Ended counts the connections that have ended since the process began, by protocol, then by
	// what ended them.
	Ended map[string]map[string]uint64
}
