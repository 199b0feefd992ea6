package lint

import (
	"cmp"
	"fmt"
	"time"

	"lameduck/deploy/ctl/inject"
)

const (
	lbAnnotation      = inject.AnnotationPrefix + "lb"
	lbDelayAnnotation = inject.AnnotationPrefix + "lb-delay"
)

// lbDelay returns the delay of the load balancer, 0 if it is unknown, and what to call it. The
// annotations of the pod template override the options, and a delay overrides that of a preset.
// Rule setting-refused reports an invalid annotation.
func (w *workload) lbDelay() (delay time.Duration, lb string) {
	preset, named := w.annotatedLB()
	delay, set := w.annotatedDelay()
	if !named && !set {
		preset, _ = inject.FindPreset(w.in.options.LB)
		delay = w.in.options.LBDelay
		set = delay > 0
	}
	if !set {
		delay = preset.Delay
	}
	return delay, cmp.Or(preset.Title, "the load balancer")
}

// annotatedLB returns the preset in the annotation of the pod template.
func (w *workload) annotatedLB() (preset inject.Preset, named bool) {
	preset, err := inject.FindPreset(w.template.Annotations[lbAnnotation])
	return preset, err == nil
}

// annotatedDelay returns the delay in the annotation of the pod template.
func (w *workload) annotatedDelay() (delay time.Duration, set bool) {
	delay, err := time.ParseDuration(w.template.Annotations[lbDelayAnnotation])
	return delay, err == nil && delay >= 0
}

func delayTooShort(w *workload, report objectReporter) {
	preset, named := w.annotatedLB()
	delay, set := w.annotatedDelay()
	if !named || !set || delay >= preset.Seen || !w.serves() {
		return
	}
	report(w.annotation(lbDelayAnnotation),
		fmt.Sprintf("the delay is %v but %s may route to the pod for %v, so the hold may end too early",
			delay, preset.Title, preset.Seen),
		fmt.Sprintf("remove the annotation: %s: %s sets %v", lbAnnotation, preset.Name, preset.Delay))
}
