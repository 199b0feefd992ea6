package lifecycle

import (
	"testing"
	"time"
)

func TestHoldNext(t *testing.T) {
	const s = time.Second
	hold := Hold{Min: 5 * s, Quiet: 4 * s, Max: 60 * s, Risk: 0.01}
	for name, test := range map[string]struct {
		hold  Hold
		facts Facts
		end   Reason
		wait  time.Duration
	}{
		"lasts for Min without traffic":                 {hold, Facts{Elapsed: 0, SilentIn: -s}, NotEnded, 5 * s},
		"ends at Min without traffic":                   {hold, Facts{Elapsed: 5 * s, SilentIn: -s}, EndedQuiet, 0},
		"lasts until the sources are silent":            {hold, Facts{Elapsed: 9 * s, SilentIn: 3 * s}, NotEnded, 3 * s},
		"ends when they are":                            {hold, Facts{Elapsed: 12 * s, SilentIn: 0}, EndedQuiet, 0},
		"lasts while an exchange is in flight":          {hold, Facts{Elapsed: 12 * s, InFlight: 1, SilentIn: -s}, NotEnded, 4 * s},
		"looks again soon when Quiet is zero":           {Hold{Max: 60 * s}, Facts{InFlight: 1}, NotEnded, shortestWait},
		"ends at Max whatever is in flight":             {hold, Facts{Elapsed: 60 * s, InFlight: 9, SilentIn: 9 * s}, EndedMax, 0},
		"waits no longer than until Max":                {hold, Facts{Elapsed: 59 * s, SilentIn: 30 * s}, NotEnded, s},
		"waits no longer than until Max in flight":      {hold, Facts{Elapsed: 59 * s, InFlight: 1}, NotEnded, s},
		"waits no longer than until Max before Min":     {Hold{Min: 9 * s, Max: 8 * s}, Facts{Elapsed: 6 * s}, NotEnded, 2 * s},
		"ends when the app has exited, even before Min": {hold, Facts{AppGone: true, InFlight: 1}, EndedAppGone, 0},
		"ends when it is ordered, before Min too":       {hold, Facts{Interrupted: true, InFlight: 1}, EndedInterrupted, 0},
		"without Max there is no hold":                  {Hold{}, Facts{InFlight: 1}, EndedMax, 0},
	} {
		t.Run(name, func(t *testing.T) {
			end, wait := test.hold.Next(test.facts)
			if end != test.end || wait != test.wait {
				t.Errorf("%v, wait %v; want %v, wait %v", end, wait, test.end, test.wait)
			}
		})
	}
}

// While an exchange is in flight, the facts are checked once in Quiet. An exchange that ends in
// between is followed by at least Quiet, so the hold never ends later than it could.
func TestNothingIsMissedBetweenTwoLooks(t *testing.T) {
	hold := Hold{Quiet: 5 * time.Second, Max: time.Hour}
	for end := time.Duration(0); end < 20*time.Second; end += 100 * time.Millisecond {
		now := time.Duration(0)
		for {
			f := Facts{Elapsed: now, SilentIn: end + hold.Quiet - now}
			if now < end {
				f.InFlight = 1
			}
			reason, wait := hold.Next(f)
			if reason != NotEnded {
				break
			}
			now += wait
		}
		if want := max(hold.Quiet, end+hold.Quiet); end > 0 && now != want {
			t.Errorf("with an exchange that ends at %v the hold ended at %v, want %v", end, now, want)
		}
	}
}
