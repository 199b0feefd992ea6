package inject

import (
	"fmt"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"lameduck/deploy/ctl/mode"
)

// defaultResources returns the default requests and limits. A busy connection takes 13 KB. There is
// no CPU limit, because throttling adds latency.
func defaultResources() corev1.ResourceRequirements {
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("32Mi"),
		},
		Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("256Mi")},
	}
}

// needed has quantities for resources that admission requires and the settings lack: a CPU limit in
// a Guaranteed pod, or anything that a quota counts.
var needed = corev1.ResourceList{
	corev1.ResourceCPU:              resource.MustParse("250m"),
	corev1.ResourceMemory:           resource.MustParse("256Mi"),
	corev1.ResourceEphemeralStorage: resource.MustParse("256Mi"), // for the logs
}

// computeResources chooses the resources of Lameduck's container so that the API server does not
// refuse the pod, which would be an outage.
func (j *injection) computeResources() error {
	r := *j.settings.Resources.DeepCopy()
	spec := &j.pod.Spec
	j.limits.exits = j.settings.Shape == Wrapper
	if j.limits.keepsBestEffort() && isBestEffort(spec) {
		j.resources = corev1.ResourceRequirements{}
		return nil
	}
	for _, q := range j.limits.quotas {
		demand(&r, q)
	}
	if isGuaranteed(spec) {
		r = equalized(r)
	}
	for _, l := range j.limits.ranges {
		for _, item := range l.Spec.Limits {
			if item.Type == corev1.LimitTypeContainer {
				fit(&r, item)
			}
		}
	}
	for _, l := range j.limits.ranges {
		for _, item := range l.Spec.Limits {
			if err := j.limits.fitPod(&r, item, l.Name, spec); err != nil {
				return err
			}
		}
	}
	shareWithPod(&r, spec)
	j.resources = r
	j.noteGuaranteed()
	return j.limits.fitQuotas(r, spec)
}

// noteGuaranteed adds a note on the higher cost of a pod of the class Guaranteed. An autoscaler
// compares the use of the pods with their requests, but not with those of init containers.
func (j *injection) noteGuaranteed() {
	if j.limits.exits {
		return
	}
	if cpu := j.resources.Requests[corev1.ResourceCPU]; isGuaranteed(&j.pod.Spec) && !cpu.IsZero() {
		j.note("spec.containers", "the pod has the QoS class Guaranteed, so Lameduck requests its limits too, %s "+
			"of CPU: a HorizontalPodAutoscaler by the utilization of the pods counts them and adds pods later; use "+
			"its metric type ContainerResource, or lower them with %sresources", cpu.String(), AnnotationPrefix)
	}
}

// limits are the resource rules of a namespace's admission.
type limits struct {
	ranges []*corev1.LimitRange
	quotas []*corev1.ResourceQuota

	assignsUsers bool // each pod gets its user from the namespace, as in OpenShift

	// exits reports whether Lameduck's container has exited when the app starts, like the one that
	// installs the wrapper. A pod then counts for the larger of the two, and not for their sum.
	exits bool
}

// runsBeside reports whether a container runs at the same time as Lameduck's.
func (l limits) runsBeside(c container) bool {
	return c.serves() && (!l.exits || c.list == "initContainers")
}

func limitsOf(a *mode.Around) limits {
	if a == nil {
		return limits{}
	}
	return limits{
		ranges: a.LimitRanges, quotas: a.Quotas, assignsUsers: a.OpenShift || a.Annotations[uidRange] != "",
	}
}

// defaultLimit returns the limit that a container without one gets.
func (l limits) defaultLimit(name corev1.ResourceName) resource.Quantity {
	for _, each := range l.ranges {
		for _, item := range each.Spec.Limits {
			if item.Type != corev1.LimitTypeContainer {
				continue
			}
			if q, is := item.Default[name]; is {
				return q
			}
			if q, is := item.Max[name]; is {
				return q // the API server's default of the default
			}
		}
	}
	return resource.Quantity{}
}

func setAbsent(list *corev1.ResourceList, name corev1.ResourceName, q resource.Quantity) {
	if _, is := (*list)[name]; !is {
		set(list, name, q)
	}
}

func set(list *corev1.ResourceList, name corev1.ResourceName, q resource.Quantity) {
	if *list == nil {
		*list = make(corev1.ResourceList)
	}
	(*list)[name] = q
}

func larger(a, b resource.Quantity) resource.Quantity {
	if a.Cmp(b) < 0 {
		return b
	}
	return a
}

func smaller(a, b resource.Quantity) resource.Quantity {
	if a.Cmp(b) > 0 {
		return b
	}
	return a
}

// isGuaranteed reports whether the pod has the QoS class Guaranteed: each container has limits of
// CPU and memory and requests no less.
func isGuaranteed(spec *corev1.PodSpec) bool {
	if spec.Resources != nil && len(spec.Resources.Requests)+len(spec.Resources.Limits) > 0 {
		return false // the pod's own resources determine the class
	}
	for _, c := range allContainers(spec) {
		for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
			limit, limited := c.Resources.Limits[name]
			request, requested := c.Resources.Requests[name]
			if !limited || limit.IsZero() || requested && request.Cmp(limit) != 0 {
				return false
			}
		}
	}
	return len(spec.Containers) > 0
}

// isBestEffort reports whether no container has requests or limits of CPU or memory.
func isBestEffort(spec *corev1.PodSpec) bool {
	if spec.Resources != nil {
		return false
	}
	return !slices.ContainsFunc(allContainers(spec), func(c container) bool {
		return len(c.Resources.Requests)+len(c.Resources.Limits) > 0
	})
}

// equalized returns resources with requests that equal the limits of CPU and memory.
func equalized(r corev1.ResourceRequirements) corev1.ResourceRequirements {
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		setAbsent(&r.Limits, name, larger(needed[name], r.Requests[name]))
		set(&r.Requests, name, r.Limits[name])
	}
	return r
}

// fit changes resources to what a LimitRange allows a container.
func fit(r *corev1.ResourceRequirements, item corev1.LimitRangeItem) {
	for name, q := range item.Default {
		if _, known := needed[name]; known {
			setAbsent(&r.Limits, name, larger(q, r.Requests[name]))
		}
	}
	for name, least := range item.Min {
		if _, known := needed[name]; !known {
			continue
		}
		set(&r.Requests, name, larger(requestOf(r, item, name), least))
		if limit, is := r.Limits[name]; is {
			set(&r.Limits, name, larger(limit, least))
		}
	}
	for name, most := range item.Max {
		if _, known := needed[name]; !known {
			continue
		}
		setAbsent(&r.Limits, name, most)
		set(&r.Limits, name, smaller(r.Limits[name], most))
		if request, is := r.Requests[name]; is {
			set(&r.Requests, name, smaller(request, most))
		}
	}
	for name, ratio := range item.MaxLimitRequestRatio {
		if _, known := needed[name]; known && ratio.AsApproximateFloat64() >= 1 {
			fitRatio(r, item, name, ratio.AsApproximateFloat64())
		}
	}
}

// requestOf returns the request of a resource as the API server counts it: the limit counts as the
// request if there is none.
func requestOf(r *corev1.ResourceRequirements, item corev1.LimitRangeItem, name corev1.ResourceName) resource.Quantity {
	if request, is := r.Requests[name]; is {
		return request
	}
	if limit, is := r.Limits[name]; is {
		return limit
	}
	return item.DefaultRequest[name]
}

// fitRatio raises a request, so that the limit is not more than a multiple of it. Lowering the limit
// could end Lameduck under load.
func fitRatio(r *corev1.ResourceRequirements, item corev1.LimitRangeItem, name corev1.ResourceName, ratio float64) {
	setAbsent(&r.Limits, name, larger(needed[name], r.Requests[name]))
	limit := r.Limits[name]
	least := resource.NewMilliQuantity(int64(math.Ceil(float64(limit.MilliValue())/ratio)), limit.Format)
	if name != corev1.ResourceCPU {
		least = resource.NewQuantity(least.Value(), limit.Format) // whole bytes, rounded up
	}
	set(&r.Requests, name, smaller(larger(requestOf(r, item, name), *least), limit))
}

// fitPod lowers limits to what a LimitRange leaves to the pod.
func (l limits) fitPod(
	r *corev1.ResourceRequirements, item corev1.LimitRangeItem, limitRange string, pod *corev1.PodSpec,
) error {
	if item.Type != corev1.LimitTypePod {
		return nil
	}
	for name, least := range item.Min {
		_, left := l.left(name, resource.Quantity{}, pod, container.serves)
		if limit := r.Limits[name]; limit.Cmp(least) < 0 && left.IsZero() {
			delete(r.Limits, name) // it would be the only limit, and too low for the whole pod
		}
	}
	for name, ratio := range item.MaxLimitRequestRatio {
		if _, limited := r.Limits[name]; limited && ratio.AsApproximateFloat64() >= 1 {
			fitRatio(r, item, name, ratio.AsApproximateFloat64())
		}
	}
	for name, most := range item.Max {
		requests, limits := l.left(name, most, pod, l.runsBeside)
		least := requestOf(r, corev1.LimitRangeItem{}, name)
		limit, limited := r.Limits[name]
		if limited {
			least, limit = smaller(least, defaultResources().Requests[name]), smaller(limit, limits)
		}
		if least.Cmp(requests) > 0 || limited && (limit.Cmp(least) < 0 || limit.Sign() <= 0) {
			return &Refusal{
				"spec.containers",
				fmt.Sprintf("LimitRange %s allows a pod %s of %s, which leaves too little for Lameduck",
					limitRange, most.String(), name),
				"raise the maximum, or lower the requests and limits of the containers",
			}
		}
		if limited {
			set(&r.Limits, name, limit)
		}
		if request, is := r.Requests[name]; is && limited {
			set(&r.Requests, name, smaller(smaller(request, limit), requests))
		}
	}
	return nil
}

// left returns the part of a maximum that containers of the pod leave free, for requests and for
// limits.
func (l limits) left(
	name corev1.ResourceName, most resource.Quantity, pod *corev1.PodSpec, counts func(container) bool,
) (requests, limits resource.Quantity) {
	requests, limits = most.DeepCopy(), most.DeepCopy()
	for _, c := range allContainers(pod) {
		if !counts(c) {
			continue
		}
		limit, is := c.Resources.Limits[name]
		if !is {
			limit = l.defaultLimit(name)
		}
		request, is := c.Resources.Requests[name]
		if !is {
			request = limit
		}
		limits.Sub(limit)
		requests.Sub(request)
	}
	return requests, limits
}

// shareWithPod removes resources that the pod as a whole has: those of containers must fit into the
// pod's, and a container without them uses what the others leave. It also removes resources that
// another container does not request: the API server sets the pod's request to the sum of its
// containers before a LimitRange adds a default to that other one, and would then refuse the larger
// sum.
func shareWithPod(r *corev1.ResourceRequirements, spec *corev1.PodSpec) {
	pod := spec.Resources
	if pod == nil {
		return
	}
	for name := range needed {
		_, requested := pod.Requests[name]
		_, limited := pod.Limits[name]
		if requested || limited || !allRequest(spec, name) {
			delete(r.Requests, name)
			delete(r.Limits, name)
		}
	}
}

// allRequest reports whether every container requests a resource, if only by a limit of it.
func allRequest(spec *corev1.PodSpec, name corev1.ResourceName) bool {
	return !slices.ContainsFunc(allContainers(spec), func(c container) bool {
		_, requested := c.Resources.Requests[name]
		_, limited := c.Resources.Limits[name]
		return !requested && !limited
	})
}
