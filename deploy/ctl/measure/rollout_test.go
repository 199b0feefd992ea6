package measure

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

func at(s float64) *Seconds {
	v := Seconds(s * float64(time.Second))
	return &v
}

// rolled returns the example with a rollout of two pods.
func rolled(t *testing.T) *Report {
	p := example(t)
	p.SetRollout(&Rollout{
		Workload: "deployment/shop", Action: "restart", Complete: true, Began: at(1),
		Pods: []RolloutPod{
			{Name: "shop-7c9-abcde", Node: "node-prod", T0: at(1.5), Unrouted: at(1.6), Stopped: at(3.2), Gone: at(3.3),
				Containers: []Container{{Name: "shop", ExitCode: 143}}, Events: []string{"FailedPreStopHook: shop"}},
			{Name: "shop-7c9-fghij", T0: at(2), Stopped: at(5.9)},
			{Name: "shop-8d0-klmno", Ready: at(1.2)},
		},
	})
	return p
}

func TestFailuresAreAttributedToThePodsThatEnded(t *testing.T) {
	pods := rolled(t).Rollout.Pods
	if pods[0].Lost != 3 || pods[1].Lost != 2 || pods[2].Lost != 0 {
		t.Errorf("lost %d, %d and %d; want all three for the first pod, which one of them names, the others for the "+
			"second, and none for the new one", pods[0].Lost, pods[1].Lost, pods[2].Lost)
	}
}

// failing returns a report of 20 s of load on two pods, with failures in turn with answers in
// ranges of seconds.
func failing(ranges ...[2]float64) *Report {
	p := &Report{Seconds: *at(20), Settings: Settings{Rate: 40}}
	for _, r := range ranges {
		for s := r[0]; s < r[1]; s += 0.05 {
			p.Failures = append(p.Failures, Failure{At: *at(s)})
		}
	}
	p.Lost = len(p.Failures)
	return p
}

// Only the time from T0 on shows how long the load balancer routed to the pod.
func TestARequestInFlightWhenAPodEndsIsLostToIt(t *testing.T) {
	p := &Report{Seconds: *at(20), Settings: Settings{Rate: 40}, Failures: []Failure{
		{At: *at(1), Took: *at(0.9)}, {At: *at(1.5), Took: *at(0.6)}, {At: *at(1.9), Took: *at(0.2)},
	}}
	r := &Rollout{Replicas: 2, Pods: []RolloutPod{{T0: at(2), Stopped: at(2.1)}}}
	p.SetRollout(r)
	if pod := r.Pods[0]; pod.Lost != 2 || pod.Delay != nil {
		t.Errorf("lost %d with a delay of %v, want the two that ended after T0, and no delay", pod.Lost, pod.Delay)
	}
}

// A pod that exits at once loses requests until the load balancer stops routing to it, long after
// its exit.
func TestAPodThatEndsBeforeTheLoadBalancerKnowsLosesRequestsUntilThen(t *testing.T) {
	for name, tc := range map[string]struct {
		report *Report
		t0     []float64
		lost   []int
		delay  []float64
		bound  []string
	}{
		"one":             {failing([2]float64{2.1, 7}), []float64{2}, []int{98}, []float64{4.95}, []string{exactly}},
		"others lost too": {failing([2]float64{0.5, 1}, [2]float64{2.1, 7}, [2]float64{12, 13}), []float64{2}, []int{98}, []float64{4.95}, []string{exactly}},
		"until the end":   {failing([2]float64{2.1, 19.9}), []float64{2}, []int{356}, []float64{17.85}, []string{atLeast}},
		"one by one": {failing([2]float64{2.1, 5}, [2]float64{9.1, 12}), []float64{2, 9}, []int{58, 58},
			[]float64{2.95, 2.95}, []string{exactly, exactly}},
		"the second before the first is over": {failing([2]float64{2.1, 9}), []float64{2, 4}, []int{138, 100},
			[]float64{1.95, 4.95}, []string{atLeast, exactly}},
		"nothing is lost": {failing(), []float64{2}, []int{0}, []float64{0}, []string{""}},
	} {
		r := &Rollout{Replicas: 2}
		for _, s := range tc.t0 {
			r.Pods = append(r.Pods, RolloutPod{T0: at(s), Stopped: at(s + 0.1)})
		}
		tc.report.SetRollout(r)
		for i, pod := range r.Pods {
			delay := 0.0
			if pod.Delay != nil {
				delay = time.Duration(*pod.Delay).Seconds()
			}
			if n := pod.Lost - tc.lost[i]; n < -1 || n > 1 || math.Abs(delay-tc.delay[i]) > 0.06 || pod.DelayBound != tc.bound[i] {
				t.Errorf("%s: pod %d lost %d with a delay of %.2f (%s), want %d and %.2f (%s)", name, i, pod.Lost, delay,
					pod.DelayBound, tc.lost[i], tc.delay[i], tc.bound[i])
			}
		}
	}
}

func TestTheDelayOfTheLoadBalancerIsLabelled(t *testing.T) {
	silence := Seconds(time.Second)
	for name, tc := range map[string]struct {
		pod            RolloutPod
		answered, lost *Seconds
		over           bool
		want           float64
		bound, source  string
	}{
		"nothing is known":                 {RolloutPod{T0: at(10)}, nil, nil, false, 0, "", ""},
		"Lameduck saw all":                 {RolloutPod{T0: at(10), LastExchange: at(4.5)}, at(13), nil, false, 4.5, exactly, "Lameduck"},
		"answers, then silence":            {RolloutPod{T0: at(10), Stopped: at(30)}, at(14), nil, false, 4, exactly, "answered"},
		"answers up to the end":            {RolloutPod{T0: at(10), Stopped: at(14.1)}, at(14), nil, false, 4, atLeast, "answered"},
		"failures after the end":           {RolloutPod{T0: at(10), Stopped: at(11)}, at(10.9), at(14), false, 4, atLeast, "lost"},
		"failures alone":                   {RolloutPod{T0: at(10), Stopped: at(10.1)}, nil, at(15), false, 5, atLeast, "lost"},
		"failures after the end, and over": {RolloutPod{T0: at(10), Stopped: at(11)}, at(10.9), at(14), true, 4, exactly, "lost"},
		"in flight at the end, and over":   {RolloutPod{T0: at(10), Stopped: at(20)}, nil, at(20.1), true, 10.1, atLeast, "lost"},
		"no request after t0":              {RolloutPod{T0: at(10), Stopped: at(30)}, at(9), nil, false, 0, exactly, "answered"},
		"Lameduck, and losses then":        {RolloutPod{T0: at(10), LastExchange: at(2)}, nil, at(15), false, 5, atLeast, "lost"},
	} {
		tc.pod.setDelay(tc.answered, tc.lost, tc.over, silence)
		got := 0.0
		if tc.pod.Delay != nil {
			got = time.Duration(*tc.pod.Delay).Seconds()
		}
		if got != tc.want || tc.pod.DelayBound != tc.bound || !strings.Contains(tc.pod.DelaySource, tc.source) {
			t.Errorf("%s: %v %q by %q, want %v %q by %q", name, got, tc.pod.DelayBound, tc.pod.DelaySource, tc.want,
				tc.bound, tc.source)
		}
	}
}

func TestTheAdviceFollowsFromTheLongestDelay(t *testing.T) {
	p := &Report{Rollout: &Rollout{Pods: []RolloutPod{
		{T0: at(1), Delay: at(3.2), DelayBound: exactly}, {T0: at(5), Delay: at(12.3), DelayBound: atLeast},
	}}}
	text := strings.Join(p.Advice(), " ")
	for _, want := range []string{"at least 12.3 s", "sleep of 14 s", "28s for 2 pods", "lb-delay: 14s"} {
		if !strings.Contains(text, want) {
			t.Errorf("the advice lacks %q: %s", want, text)
		}
	}
	p.Rollout.Pods[0].LastExchange = at(3.2)
	if text = strings.Join(p.Advice(), " "); strings.Contains(text, "lb-delay") || !strings.Contains(text, "sleep of 14 s") {
		t.Errorf("the advice for pods with Lameduck is to use Lameduck: %s", text)
	}
}

func TestARolloutIsInEveryFormat(t *testing.T) {
	p := rolled(t)
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(t, text); err != nil {
		t.Error(err)
	}
	page, err := p.HTML()
	if err != nil {
		t.Fatal(err)
	}
	var summary strings.Builder
	if err := p.Summary(&summary); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{"page": string(page), "summary": summary.String()} {
		for _, want := range []string{"deployment/shop", "shop-7c9-abcde", "1.5 s", "at least"} {
			if !strings.Contains(got, want) {
				t.Errorf("the %s lacks %q", name, want)
			}
		}
	}
	p.Redact()
	text, _ = json.Marshal(p)
	if page, err = p.HTML(); err != nil || bytes.Contains(append(page, text...), []byte("shop")) ||
		bytes.Contains(text, []byte("node-prod")) {
		t.Errorf("a redacted rollout has names: %s", text)
	}
}

func TestPodsAreSortedByTheirEnd(t *testing.T) {
	r := &Rollout{Pods: []RolloutPod{{Name: "new", Ready: at(1)}, {Name: "b", T0: at(5)}, {Name: "a", T0: at(2)}}}
	r.Sort()
	if got := r.Pods[0].Name + r.Pods[1].Name + r.Pods[2].Name; got != "abnew" {
		t.Errorf("sorted as %s", got)
	}
}
