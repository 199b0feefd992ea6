package lifecycle

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"lameduck/lifecycle/plural"
)

// A Summary is what happened in a drain.
type Summary struct {
	Trigger        string        // what began it
	End            Reason        // why the hold ended; NotEnded while it lasts
	Duration       time.Duration // of the hold
	CutConnections int           // cut with exchanges in flight
	CutExchanges   int
	Evidence
	DrainStats
	Observed *Observed // nil if nothing was observed
}

// Summary returns the summary so far.
func (l *Lifecycle) Summary() Summary {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.summary
	if l.phase == Serving {
		return s
	}
	if s.End == NotEnded {
		s.Duration = time.Since(l.since)
	}
	s.DrainStats = l.relay.DrainStats()
	if l.config.Observed != nil {
		if o := l.config.Observed(); o != (Observed{}) {
			s.Observed = &o
		}
	}
	return s
}

// writeSummary logs the summary and writes it to the termination log.
func (l *Lifecycle) writeSummary() {
	s := l.Summary()
	fields := append(s.Evidence.fields(),
		zap.String("trigger", s.Trigger),
		zap.Stringer("reason", s.End),
		zap.Duration("hold", s.Duration),
		zap.Uint64("exchanges", s.Exchanges),
		zap.Duration("last_exchange_after", s.LastExchange),
		zap.Int("cut_connections", s.CutConnections),
		zap.Int("cut_exchanges", s.CutExchanges),
		zap.Uint64("unanswered_exchanges", s.Unanswered),
		zap.Any("connections", s.Ended),
	)
	if s.Observed != nil {
		fields = append(fields, zap.Any("observed", newObservedStatus(s.Observed)))
	}
	l.log.Info("stopped", fields...)
	l.writeTerminationLog(s.String())
}

// writeTerminationLog writes a line to the termination log, if there is one.
func (l *Lifecycle) writeTerminationLog(line string) {
	if l.config.TerminationLog == "" {
		return
	}
	_ = l.spare.Close() // nil returns an error
	if err := writeTerminationLog(l.config.TerminationLog, line+"\n"); err != nil {
		l.log.Warn("write termination log", zap.Error(withoutPath(err)))
	}
}

// withoutPath returns an error of the file system without its path: a secret may have been
// configured in place of one.
func withoutPath(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

// String returns the summary in one line.
func (s Summary) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "drained in %v (%s; triggered by %s): ",
		s.Duration.Round(time.Millisecond), s.End, s.Trigger)
	switch {
	case s.Exchanges == 0 && len(s.LastChecks) > 0:
		b.WriteString("nothing but health checks after its start")
	case s.Exchanges == 0:
		b.WriteString("no exchange after its start")
	default:
		fmt.Fprintf(&b, "%s after its start, the last one %v after it",
			plural.Count(s.Exchanges, "exchange"), s.LastExchange.Round(time.Millisecond))
	}
	if s.Observed != nil {
		b.WriteString(s.Observed.String())
	}
	fmt.Fprintf(&b, "; %v", s.Evidence)
	fmt.Fprintf(&b, "; cut: %s on %s", plural.Count(s.CutExchanges, "exchange"),
		plural.Count(s.CutConnections, "connection"))
	fmt.Fprintf(&b, "; not answered by the app: %d", s.Unanswered)
	for _, protocol := range slices.Sorted(maps.Keys(s.Ended)) {
		fmt.Fprintf(&b, "; %s connections ended:", protocol)
		for i, by := range slices.Sorted(maps.Keys(s.Ended[protocol])) {
			if i > 0 {
				b.WriteString(",")
			}
			fmt.Fprintf(&b, " %d by %s", s.Ended[protocol][by], by)
		}
	}
	return b.String()
}
