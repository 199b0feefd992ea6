package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lameduck/bench/internal/table"
	"lameduck/bench/port"
)

// endRounds is how often connections are opened and ended.
const endRounds = 5

// endCases are the cases that only end connections, at a rate a second.
var endCases = []struct {
	name string
	rate int // 0 for as fast as possible
}{
	{"20,000 ends a second", 20_000},
	{"ends as fast as possible", 0},
}

// ends are connections that have ended, and what Lameduck has counted of them.
type ends struct {
	made    int
	took    time.Duration
	counted int
	lost    int // times that ends were lost
}

func (e ends) String() string {
	return fmt.Sprintf("%s connections ended at %s a second: %s are counted, and ends were lost %s times",
		table.Count(e.made), table.Count(int(float64(e.made)/e.took.Seconds())), table.Count(e.counted),
		table.Count(e.lost))
}

// check returns an error if ends were lost and that was not counted.
func (e ends) check() error {
	if e.counted != e.made && e.lost == 0 {
		return fmt.Errorf("%d of %d ends are counted, and no loss is", e.counted, e.made)
	}
	return nil
}

// measureEnds measures in a drain: while serving, Lameduck would pause. The app that keeps the drain
// from ending has another port than the one that ends connections.
func measureEnds(ctx context.Context, binary string, rate int) (e ends, err error) {
	s, err := newStage(ctx)
	if err != nil {
		return e, err
	}
	defer s.stop()
	ending, err := port.Addr()
	if err != nil {
		return e, err
	}
	d, err := s.startLameduck(ctx, binary, ending)
	if err != nil {
		return e, err
	}
	defer d.Stop()
	if err := d.drain(ctx); err != nil {
		return e, err
	}
	var out output
	if err := s.runRole(&out, "end", ending, strconv.Itoa(rate), strconv.Itoa(endRounds)); err != nil {
		return e, err
	}
	if e.made, e.took, err = parseEnded(out.String()); err != nil {
		return e, err
	}
	return e, e.count(ctx, d, portOf(ending))
}

// count reads what Lameduck has counted, until that does not change any more.
func (e *ends) count(ctx context.Context, d *lameduck, number string) error {
	for stable := 0; stable < 5; {
		counted, err := d.metric(ctx, `lameduck_observed_connections_total{port="`+number+`"}`)
		if err != nil {
			return err
		}
		if counted != e.counted {
			stable = 0
		}
		stable++
		e.counted = counted
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
	lost, err := d.metric(ctx, "lameduck_observe_lost_total")
	e.lost = lost
	return err
}

var errOutput = errors.New("unexpected output")

func parseEnded(text string) (n int, took time.Duration, err error) {
	fields := strings.Fields(text)
	if len(fields) != 3 || fields[0] != ready {
		return 0, 0, fmt.Errorf("%w: %q", errOutput, text)
	}
	if n, err = strconv.Atoi(fields[1]); err != nil {
		return 0, 0, fmt.Errorf("%w: %w", errOutput, err)
	}
	ns, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil || ns <= 0 || n <= 0 {
		return 0, 0, fmt.Errorf("%w: %q", errOutput, text)
	}
	return n, time.Duration(ns), nil
}
