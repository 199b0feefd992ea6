package rollout

import (
	"context"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lameduck/deploy/ctl/measure"
)

// reasons are those of events that explain the end of a pod.
var reasons = []string{"FailedPreStopHook", "ExceededGracePeriod", "FailedKillPod", "Evicted", "Preempting"}

// Report returns what happened to the pods, with times since the start of the load.
func (o *Operation) Report(ctx context.Context, start time.Time) *measure.Rollout {
	x := o.watcher
	r := &measure.Rollout{Workload: x.workload.String(), Action: o.action.Kind, Complete: o.complete,
		Replicas: x.replicas}
	if !o.began.IsZero() {
		began := measure.Seconds(o.began.Sub(start))
		r.Began = &began
	}
	if skew, wrong, ok := x.clock.Skew(); ok {
		s, e := measure.Millis(skew), measure.Millis(wrong)
		r.ClockSkew, r.ClockError = &s, &e
	}
	events := x.events(ctx)
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, p := range x.pods {
		if p.old && p.t0.IsZero() && p.gone.IsZero() {
			continue // nothing happened to it
		}
		pod := p.report(start)
		pod.Events = events[p.name]
		r.Pods = append(r.Pods, pod)
	}
	r.Sort()
	return r
}

// events returns the events that explain the end of pods, by the name of the pod. It returns none if
// the user may not list events, which are not needed.
func (x *Watcher) events(ctx context.Context) map[string][]string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	found := map[string][]string{}
	list, err := x.client.CoreV1().Events(x.workload.Namespace).List(ctx, metav1.ListOptions{
		FieldSelector: "involvedObject.kind=Pod",
	})
	if err != nil {
		return found
	}
	for _, e := range list.Items {
		if slices.Contains(reasons, e.Reason) {
			name := e.InvolvedObject.Name
			found[name] = append(found[name], fmt.Sprintf("%s: %s", e.Reason, e.Message))
		}
	}
	return found
}
