package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"lameduck/bench/balancer"
	"lameduck/bench/load"
	"lameduck/bench/rollout"
	"lameduck/bench/trial"
)

func TestReport(t *testing.T) {
	r := result("bare", 3, 1500*time.Millisecond, load.BadGateway, load.Reset)
	pod := &r.Rollout.Replaced[0]
	pod.Events = []rollout.Event{{After: time.Millisecond, Container: "app", Step: rollout.Signalled, Detail: "terminated"}}
	r.Removals = []balancer.Removal{{Addr: pod.Addr, Requested: pod.T0, Done: pod.T0.Add(2 * time.Second)}}
	path := filepath.Join(t.TempDir(), "out.json")
	if err := writeReport(path, options{lag: 2 * time.Second, rate: 300, replicas: 1, retries: 1}, []*trial.Result{r}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{
  "lag_s": 2.000000,
  "rate_per_s": 300,
  "replicas": 1,
  "retries": 1,
  "trials": [
    {
      "strategy": "bare",
      "requests": 3,
      "lost": 2,
      "lost_by_cause": {
        "502": 1,
        "reset": 1
      },
      "changeovers": 0,
      "latency": {
        "p50_s": 0.050000,
        "p99_s": 0.050000,
        "p99_9_s": 0.050000
      },
      "rollout_s": 2.500000,
      "terminations": [
        {
          "addr": "127.0.0.1:1",
          "t0_s": 1.000000,
          "took_s": 1.500000,
          "events": [
            {
              "after_s": 0.001000,
              "container": "app",
              "step": "stop signal",
              "detail": "terminated"
            }
          ],
          "lag_s": 2.000000
        }
      ],
      "failures": [
        {
          "at_s": 0.050000,
          "since_t0_s": null,
          "request": "POST keep-alive",
          "cause": "502",
          "error": "gone"
        },
        {
          "at_s": 1.050000,
          "since_t0_s": 0.050000,
          "request": "POST keep-alive",
          "cause": "reset",
          "error": "gone"
        }
      ]
    }
  ]
}
`
	if string(got) != want {
		t.Errorf("report is\n%s", got)
	}
}

func TestReportThatCannotBeWritten(t *testing.T) {
	if err := writeReport(t.TempDir(), options{}, nil); err == nil {
		t.Error("a directory was written to")
	}
}
