package drain

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	message = "drained in 12.3s (quiet; triggered by drain request): 1204 exchanges after its start, the last one 7.1s after it; " +
		"silence required: 5.2s; evidence: proxy; cut: 0 exchanges on 0 connections; not answered by the app: 0"
	logged = `{"level":"info","ts":"2026-11-28T12:00:00Z","msg":"stopped","required_silence":"5s","trigger":"stop signal",` +
		`"reason":"max","hold":"1m52s","exchanges":7,"last_exchange_after":"1.5s","cut_connections":1,"cut_exchanges":2,"unanswered_exchanges":3}`
)

func TestLogsAreRead(t *testing.T) {
	quoted, err := json.Marshal(logged)
	if err != nil {
		t.Fatal(err)
	}
	input := strings.Join([]string{
		"starting", `{"msg":"serving"}`, `{"msg":"stopped","reason":"an app's own line"}`, message, logged,
		"[pod/shop-7c9f6d8b5-x2x4z/lameduck] " + logged,
		`{"labels":{"pod":"cart-0"},"line":` + string(quoted) + `,"timestamp":"x"}`,
	}, "\n")
	got, err := ReadLog(strings.NewReader(input))
	if err != nil || len(got) != 4 {
		t.Fatalf("%+v, %v: want four summaries", got, err)
	}
	want := Summary{Hold: 112 * time.Second, Reason: "max", Trigger: "stop signal", Exchanges: 7,
		LastRequest: 1500 * time.Millisecond, Required: 5 * time.Second, Cut: 2, Unanswered: 3}
	if got[1].Summary != want || got[2].Workload != "shop" || got[3].Workload != "cart" || got[3].Summary != want {
		t.Errorf("got %+v", got)
	}
	if _, err := ReadLog(strings.NewReader(strings.Repeat("x", longestLine+1))); err == nil {
		t.Error("an endless line was accepted")
	}
}

func TestWorkloadsOfPods(t *testing.T) {
	for pod, want := range map[string]string{"shop-7c9f6d8b5-x2x4z": "shop", "my-db-0": "my-db", "agent-x2x4z": "agent", "pod": "pod"} {
		if got := WorkloadOfPod(pod); got != want {
			t.Errorf("%s is of %s, want %s", pod, got, want)
		}
	}
}

func TestTheTableHasARowForEachWorkload(t *testing.T) {
	var drains []Drain
	for i := range 100 {
		reason := "quiet"
		if i == 99 {
			reason = "max"
		}
		drains = append(drains, Drain{"shop", Summary{Reason: reason, Exchanges: 2, LastRequest: time.Duration(i+1) * 100 * time.Millisecond, Cut: i / 99}})
	}
	rows := Table(append(drains, Drain{"", Summary{Reason: "quiet"}}))
	if len(rows) != 2 || rows[0].Workload != "(unknown)" || rows[0].Delay != 1 || rows[0].Grace != 60 {
		t.Fatalf("%+v: want the unknown workload and shop", rows)
	}
	r := rows[1]
	if r.Drains != 100 || r.Requests != 200 || r.Median != 5 || r.P99 != 9.9 || r.Max != 10 || r.Cut != 1 || r.Delay != 11 || r.Grace != 60 {
		t.Errorf("%+v", r)
	}
	for _, format := range Formats {
		var b strings.Builder
		if err := Write(&b, rows, format); err != nil || !strings.Contains(b.String(), "shop") ||
			format != "json" && !strings.Contains(b.String(), "1 max, 99 quiet") {
			t.Errorf("%s: %v\n%s", format, err, b.String())
		}
	}
}

func TestTerminationMessagesOfPodsAreRead(t *testing.T) {
	ended := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Message: message + "\n"}}
	pods := []corev1.Pod{{
		ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "shop-7c9f6d8b5-x2x4z"},
		Status: corev1.PodStatus{
			InitContainerStatuses: []corev1.ContainerStatus{{State: ended}},
			ContainerStatuses:     []corev1.ContainerStatus{{LastTerminationState: ended}, {}},
		},
	}}
	got := OfPods(pods)
	if len(got) != 2 || got[0].Workload != "prod/shop" || got[0].Exchanges != 1204 {
		t.Errorf("got %+v, want both summaries", got)
	}
}
