package lifecycle

import (
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"lameduck/lifecycle/plural"
)

// Observed has the counts of a drain for connections that are not relayed.
type Observed struct {
	Connections uint64        // new ones that are traffic
	LastEvent   time.Duration // from the drain's start; zero if there was none
	Probes      uint64        // connections of the kubelet's probes
	Empty       uint64        // short connections without data
	Kept, Peers int           // connections that were open when the hold ended, and their addresses
}

// askingModes are the modes that ask clients to disconnect.
const askingModes = "redirect, takeover and move"

// String returns the counts as a part of the summary. It is empty if there are none.
func (o *Observed) String() string {
	var b strings.Builder
	switch {
	case o.LastEvent > 0:
		fmt.Fprintf(&b, "; observed: %s, the last event %v after it",
			plural.Count(o.Connections, "connection"), o.LastEvent.Round(time.Millisecond))
	case o.Probes+o.Empty > 0:
		b.WriteString("; observed: nothing but health checks")
	}
	if o.Probes+o.Empty > 0 {
		fmt.Fprintf(&b, " (%d of the kubelet, %s without data)", o.Probes, plural.Count(o.Empty, "connection"))
	}
	if o.Kept > 0 {
		fmt.Fprintf(&b, "; %s of %s %s still open, since the mode observe does not ask "+
			"clients to disconnect (%s do)", plural.Count(o.Kept, "connection"), plural.Count(o.Peers, "client"),
			plural.Pick(o.Kept, "was", "were"), askingModes)
	}
	return b.String()
}

// reportKept warns if observed connections are open when the time is up.
func (l *Lifecycle) reportKept(reason Reason) {
	o := l.Summary().Observed
	if o == nil || o.Kept == 0 || !reason.cuts() {
		return
	}
	l.log.Warn("observed connections are open at the end of the hold, and each fails when the app stops: "+
		"the mode observe does not ask clients to disconnect ("+askingModes+" do)",
		zap.Int("connections", o.Kept), zap.Int("clients", o.Peers))
}

// observedMetrics adds the metrics of what was observed in a drain.
func observedMetrics(gauge func(name string, value func(Summary) float64, help string)) {
	observed := func(s Summary) Observed {
		if s.Observed == nil {
			return Observed{}
		}
		return *s.Observed
	}
	gauge("drain_last_event_seconds", func(s Summary) float64 { return observed(s).LastEvent.Seconds() },
		"Time from the drain's start to the last event on an observed connection: the load balancer's "+
			"real delay at observed ports.")
	gauge("drain_kept_connections", func(s Summary) float64 { return float64(observed(s).Kept) },
		"Observed connections that were open when the hold ended. Each fails once.")
}
