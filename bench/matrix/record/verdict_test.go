package record

import (
	"strings"
	"testing"
)

func TestVerdicts(t *testing.T) {
	for name, tc := range map[string]struct {
		cell func() Cell
		want []string // the sentences, with + or - before them
	}{
		"Lameduck as it must be": {protected, []string{
			"+lameduck lost none of 12,345 requests",
			"+a pod of lameduck ended 7.2 s after its t0, 2.2 s after the load balancer had removed it (5.0 s); silence required: 2.0 s; bound: 8.0 s",
		}},
		"Lameduck that loses": {func() Cell {
			c := protected()
			c.Lost, c.Failures = 2, bare(1).Failures
			return c
		}, []string{
			"-lameduck lost 2 of 12,345 requests, the first a POST keep-alive sent 0.2 s after t0: 502: answered 502 Bad Gateway",
			"+a pod of lameduck ended",
		}},
		"Lameduck that stays too long": {func() Cell {
			c := protected()
			c.Pods[1].Took = 9 * s
			return c
		}, []string{"+lameduck lost none", "-a pod of lameduck ended 9.0 s after its t0, 4.0 s after"}},
		"a long answer is waited for": {func() Cell {
			c := protected()
			for i := range c.Pods {
				c.Pods[i].Answered, c.Pods[i].Took = 25*s, 27*s+s/2
			}
			return c
		}, []string{"+lameduck lost none", "+a pod of lameduck ended 27.5 s after its t0, 22.5 s after the load balancer had removed it (5.0 s), with answers until 25.0 s; silence required: 2.0 s; bound: 28.0 s"}},
		"a story that tells no silence leaves the configured one": {func() Cell {
			c := protected()
			for i := range c.Pods {
				c.Pods[i].Required = nil
			}
			return c
		}, []string{"+lameduck lost none", "-a pod of lameduck ended 7.2 s after its t0, 2.2 s after the load balancer had removed it (5.0 s); silence required: 1.0 s; bound: 7.0 s"}},
		"a failed hook is missed": {func() Cell {
			c := protected()
			c.Hooks = []string{"container app: preStop failed: EOF"}
			return c
		}, []string{"+lameduck lost", "+a pod", "-a preStop hook of lameduck failed: container app: preStop failed: EOF"}},
		"no pod was replaced": {func() Cell {
			c := protected()
			c.Pods = nil
			return c
		}, []string{"+lameduck lost", "-lameduck: no pod was replaced"}},
		"nothing was sent": {func() Cell {
			c := protected()
			c.Requests = 0
			return c
		}, []string{"-lameduck lost none of 0 requests", "+a pod"}},
		"bare pods that lose": {func() Cell { return bare(7) }, []string{"+bare lost 7 of 1,000 requests, as expected"}},
		"bare pods that lose nothing": {func() Cell { return bare(0) }, []string{
			"-bare lost none of 1,000 requests although its pods end before the load balancer removes them: suspect the harness",
		}},
		"a loss in the calm is the harness's": {func() Cell {
			c := bare(7)
			c.LostInCalm = 3
			return c
		}, []string{"-3 requests were lost before the rollout: the harness is at fault", "+bare lost"}},
		"a changeover is no loss": {func() Cell {
			c := protected()
			c.Changeovers = 2
			return c
		}, []string{"+lameduck lost none of 12,345 requests (2 more reset by the load balancer's own changeover)", "+a pod"}},
		"nor does it help who loses": {func() Cell {
			c := protected()
			c.Changeovers, c.Lost = 1, 2
			return c
		}, []string{"-lameduck lost 2 of 12,345 requests (1 more reset", "+a pod"}},
		"nor is it the loss that must be": {func() Cell {
			c := bare(0)
			c.Changeovers = 1
			return c
		}, []string{"-bare lost none of 1,000 requests although"}},
		"half a percent of changeovers is believed": {func() Cell {
			c := bare(7)
			c.Changeovers = 5
			return c
		}, []string{"+bare lost 7"}},
		"more is not": {func() Cell {
			c := bare(7)
			c.Changeovers = 6
			return c
		}, []string{"-6 of 1,000 requests were reset by the load balancer's own changeover, more than 0.50 %: the harness is at fault", "+bare lost 7"}},
		"nor where nothing is claimed": {func() Cell {
			c := bare(0)
			c.Expect, c.Changeovers = "", 6
			return c
		}, []string{"-6 of 1,000 requests were reset"}},
		"a single one is no share": {func() Cell {
			c := protected()
			c.Requests, c.Changeovers = 45, 1
			return c
		}, []string{"+lameduck lost none of 45 requests (1 more", "+a pod"}},
		"two may be": {func() Cell {
			c := protected()
			c.Requests, c.Changeovers = 45, 2
			return c
		}, []string{"-2 of 45 requests were reset", "+lameduck lost none of 45 requests (2 more", "+a pod"}},
		"nothing is claimed": {func() Cell {
			c := bare(0)
			c.Expect = ""
			return c
		}, nil},
	} {
		t.Run(name, func(t *testing.T) { expect(t, Judge([]Cell{tc.cell()}), tc.want) })
	}
}

// expect compares the beginnings of sentences.
func expect(t *testing.T, got []Verdict, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("verdicts are %+v, want %q", got, want)
	}
	for i, v := range got {
		if sign := map[bool]string{true: "+", false: "-"}[v.Holds]; !strings.HasPrefix(sign+v.Sentence, want[i]) {
			t.Errorf("verdict is\n  %s%s, want\n  %s", sign, v.Sentence, want[i])
		}
	}
}

func TestLossAmongCellsIsJudgedTogether(t *testing.T) {
	fixed := func(lost int) Cell {
		c := bare(lost)
		c.Group, c.Expect, c.Setup.Strategy = "rhythm", LossAmong, "lameduck fixed 5s"
		return c
	}
	expect(t, Judge([]Cell{fixed(0), fixed(3), fixed(0)}), []string{"+lameduck fixed 5s lost 3 of 3,000 requests, in 1 of 3 rollouts"})
	expect(t, Judge([]Cell{fixed(0), fixed(0)}), []string{"-lameduck fixed 5s lost 0 of 2,000 requests, in 0 of 2 rollouts, but losses are expected: suspect the harness"})
}

func TestTheHoldsMinimumIsNoDelay(t *testing.T) {
	c := protected()
	c.Setup.HoldMin = 20 * s
	if got := c.Bound(c.Pods[0]); got != 21*s {
		t.Errorf("bound %v, want the hold's minimum and a second", got)
	}
}

func TestTable(t *testing.T) {
	c := bare(7)
	c.ByCause = map[string]int{"reset": 2, "502": 4, "timeout": 1}
	c.Calm = Latency{Requests: 999, P50: 21 * s / 1000, P99: 1234 * s / 1000, P999: 9 * s}
	c.Rollout = Latency{Requests: 1000, P50: s / 400, P99: 30 * s / 1000, P999: 2 * s}
	among := bare(0)
	among.Expect = LossAmong
	d := protected()
	d.Lost = 1
	want := strings.Join([]string{
		"|  | strategy | verdict | requests | lost | share | lost to | true delay | pods end after | silence required | calm p50 / p99 / p99.9, ms | rollout p50 / p99 / p99.9, ms |",
		"| --- | --- | --- | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: |",
		"| nginx | bare | holds | 1,000 | 7 | 0.70 % | 4\u00a0×\u00a0502, 2\u00a0×\u00a0reset, 1\u00a0×\u00a0timeout | 5.0 s | 0.0 s |  | 21 / 1,234 / – | 2.5 / 30 / 2,000 |",
		"| nginx | bare |  | 1,000 | 0 | 0.00 % |  | 5.0 s | 0.0 s |  |  |  |",
		"| nginx | lameduck | missed | 12,345 | 1 | < 0.01 % |  | 5.0 s | 7.1 s (7.2 s) | 2.0 s |  |  |",
		"",
	}, "\n")
	if got := Tabulate([]Cell{c, among, d}).Markdown(); got != want {
		t.Errorf("table is\n%s, want\n%s", got, want)
	}
}

func TestChangeoversHaveAColumnWhereThereAreAny(t *testing.T) {
	c, d := bare(7), protected()
	c.Changeovers = 1234
	table := Tabulate([]Cell{c, d})
	if len(table.Align) != len(table.Header) || table.Header[6] != "lost to" || table.Header[7] != "changeover resets" || table.Align[6:8] != "lr" {
		t.Fatalf("header is %q, aligned %s", table.Header, table.Align)
	}
	for i, want := range []string{"1,234", "0"} {
		if row := table.Rows[i]; len(row) != len(table.Header) || row[7] != want || row[8] != "5.0 s" {
			t.Errorf("row %d is %q, want %s changeovers", i, row, want)
		}
	}
	if without := Tabulate([]Cell{bare(7), d}); strings.Contains(without.Markdown(), "changeover") || len(without.Rows[0]) != 12 {
		t.Errorf("a column without values:\n%s", without.Markdown())
	}
}
