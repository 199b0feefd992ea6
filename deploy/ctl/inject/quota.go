package inject

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// keepsBestEffort reports whether a quota counts pods by whether they have any resources.
func (l limits) keepsBestEffort() bool {
	return slices.ContainsFunc(l.quotas, func(q *corev1.ResourceQuota) bool {
		return slices.Contains(q.Spec.Scopes, corev1.ResourceQuotaScopeBestEffort) ||
			slices.Contains(q.Spec.Scopes, corev1.ResourceQuotaScopeNotBestEffort)
	})
}

// counted has the resources by the names that quotas use.
var counted = map[corev1.ResourceName]struct {
	name  corev1.ResourceName
	limit bool
}{
	corev1.ResourceCPU:                      {corev1.ResourceCPU, false},
	corev1.ResourceRequestsCPU:              {corev1.ResourceCPU, false},
	corev1.ResourceLimitsCPU:                {corev1.ResourceCPU, true},
	corev1.ResourceMemory:                   {corev1.ResourceMemory, false},
	corev1.ResourceRequestsMemory:           {corev1.ResourceMemory, false},
	corev1.ResourceLimitsMemory:             {corev1.ResourceMemory, true},
	corev1.ResourceEphemeralStorage:         {corev1.ResourceEphemeralStorage, false},
	corev1.ResourceRequestsEphemeralStorage: {corev1.ResourceEphemeralStorage, false},
	corev1.ResourceLimitsEphemeralStorage:   {corev1.ResourceEphemeralStorage, true},
}

// demand sets the resources that a quota counts, because then each container must have them.
func demand(r *corev1.ResourceRequirements, q *corev1.ResourceQuota) {
	for name := range q.Spec.Hard {
		c, is := counted[name]
		switch {
		case !is:
		case c.limit:
			setAbsent(&r.Limits, c.name, larger(needed[c.name], r.Requests[c.name]))
		case c.name == corev1.ResourceEphemeralStorage:
			setAbsent(&r.Requests, c.name, needed[c.name])
		default:
			setAbsent(&r.Requests, c.name, defaultResources().Requests[c.name])
		}
	}
}

// fitQuotas returns a refusal if a quota has room for the pod but not for Lameduck too: a pod
// without Lameduck is better than none. The usage is known only for quotas of a cluster.
func (l limits) fitQuotas(r corev1.ResourceRequirements, pod *corev1.PodSpec) error {
	for _, q := range l.quotas {
		if !appliesTo(q, pod) {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(q.Status.Hard)) {
			c, is := counted[name]
			if !is {
				continue
			}
			free := q.Status.Hard[name].DeepCopy()
			free.Sub(q.Status.Used[name])
			app := used(c.name, c.limit, pod, container.serves)
			both := used(c.name, c.limit, pod, l.runsBeside)
			both.Add(quantityOf(r, c.name, c.limit))
			if app.Cmp(free) <= 0 && both.Cmp(free) > 0 {
				return &Refusal{
					"spec.containers",
					fmt.Sprintf("ResourceQuota %s has %s of %s left, which is too little for Lameduck too",
						q.Name, free.String(), name),
					"raise the quota, or lower the resources of Lameduck with the annotation " +
						AnnotationPrefix + "resources",
				}
			}
		}
	}
	return nil
}

// used returns what containers of a pod count for in a quota.
func used(
	name corev1.ResourceName, limit bool, pod *corev1.PodSpec, counts func(container) bool,
) resource.Quantity {
	if pod.Resources != nil {
		own := quantityOf(*pod.Resources, name, limit)
		if !own.IsZero() {
			return own.DeepCopy()
		}
	}
	var sum resource.Quantity
	for _, c := range allContainers(pod) {
		if counts(c) {
			sum.Add(quantityOf(c.Resources, name, limit))
		}
	}
	return sum
}

// quantityOf returns a limit, or a request, which defaults to the limit.
func quantityOf(r corev1.ResourceRequirements, name corev1.ResourceName, limit bool) resource.Quantity {
	if q, is := r.Requests[name]; is && !limit {
		return q
	}
	return r.Limits[name]
}

// appliesTo reports whether a quota counts a pod. One with a scope that is unknown here does not.
func appliesTo(q *corev1.ResourceQuota, pod *corev1.PodSpec) bool {
	for _, scope := range q.Spec.Scopes {
		if !inScope(pod, corev1.ScopedResourceSelectorRequirement{
			ScopeName: scope, Operator: corev1.ScopeSelectorOpExists,
		}) {
			return false
		}
	}
	if q.Spec.ScopeSelector == nil {
		return true
	}
	return !slices.ContainsFunc(q.Spec.ScopeSelector.MatchExpressions,
		func(r corev1.ScopedResourceSelectorRequirement) bool { return !inScope(pod, r) })
}

func inScope(pod *corev1.PodSpec, r corev1.ScopedResourceSelectorRequirement) bool {
	switch r.ScopeName {
	case corev1.ResourceQuotaScopeTerminating:
		return pod.ActiveDeadlineSeconds != nil
	case corev1.ResourceQuotaScopeNotTerminating:
		return pod.ActiveDeadlineSeconds == nil
	case corev1.ResourceQuotaScopeBestEffort:
		return isBestEffort(pod)
	case corev1.ResourceQuotaScopeNotBestEffort:
		return !isBestEffort(pod)
	case corev1.ResourceQuotaScopePriorityClass:
		class := pod.PriorityClassName
		switch r.Operator {
		case corev1.ScopeSelectorOpIn:
			return slices.Contains(r.Values, class)
		case corev1.ScopeSelectorOpNotIn:
			return !slices.Contains(r.Values, class)
		case corev1.ScopeSelectorOpExists:
			return class != ""
		case corev1.ScopeSelectorOpDoesNotExist:
			return class == ""
		}
	}
	return false
}
