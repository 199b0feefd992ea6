package main

import (
	"strings"
	"testing"

	"lameduck/bench/load"
	"lameduck/bench/rollout"
	"lameduck/bench/trial"
)

func TestVerdict(t *testing.T) {
	lossless, lossy := result("x", 9, 0), result("x", 9, 0, load.BadGateway)
	hooked := result("lameduck", 9, 0)
	hooked.Rollout.Replaced[0].Events = []rollout.Event{{Container: "app", Step: rollout.HookFailed, Detail: "EOF"}}
	cases := map[string]struct {
		bare, lameduck *trial.Result
		want           string
	}{
		"as it should be":    {lossy, lossless, ""},
		"bare lost none":     {lossless, lossless, "bare pods lost no request"},
		"lameduck lost some": {lossy, lossy, "lameduck lost 1 requests, the first a POST keep-alive: gone"},
		"a reset that cannot be": {lossy, result("lameduck", 9, 0, load.Changeover),
			"lameduck: the load balancer reset 1 requests without a reload"},
		"a hook failed": {lossy, hooked, "lameduck: container app: preStop failed: EOF"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			err := verdict([]*trial.Result{tc.bare, lossless, tc.lameduck})
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
