package mode

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A Policy is an object of a kind of its own that allows or configures connections to ports.
type Policy struct {
	Kind      string
	Namespace string // empty if the kind is not namespaced
	Name      string
	Spec      any // as JSON decodes it; may be the list in the field specs
}

// NewPolicy returns the Policy for an object in decoded JSON.
func NewPolicy(kind, namespace, name string, object map[string]any) Policy {
	p := Policy{Kind: kind, Namespace: namespace, Name: name, Spec: object["spec"]}
	if p.Spec == nil {
		p.Spec = object["specs"]
	}
	return p
}

// securityGroups is the kind that gives pods security groups of AWS. These have ports, and are no
// objects of Kubernetes.
const securityGroups = "SecurityGroupPolicy"

// PolicyKinds are the kinds of Policy, by API group. Ports in them are those of pods, not those of
// Services.
var PolicyKinds = map[string][]string{
	"cilium.io":                {"CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"},
	"projectcalico.org":        {"NetworkPolicy", "GlobalNetworkPolicy"},
	"crd.projectcalico.org":    {"NetworkPolicy", "GlobalNetworkPolicy"},
	"crd.antrea.io":            {"NetworkPolicy", "ClusterNetworkPolicy"},
	"vpcresources.k8s.aws":     {securityGroups},
	"policy.networking.k8s.io": {"AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy"},
	"networking.istio.io":      {"Sidecar"},
	"security.istio.io":        {"AuthorizationPolicy", "PeerAuthentication"},
	"policy.linkerd.io":        {"Server"},
}

// IsPolicy reports whether objects of a kind are Policies.
func IsPolicy(group, kind string) bool { return slices.Contains(PolicyKinds[group], kind) }

// otherObstacles returns the policies of other kinds that have a port's number. If a policy selects
// other pods, only its rules for outgoing connections count.
func (a *Around) otherObstacles(p Pod) obstacles {
	var found obstacles
	for _, policy := range a.Others {
		concerns := a.mayConcern(policy, p)
		number, has := p.numberAmong(policy.Spec, concerns)
		switch {
		case has:
			found = append(found, policyObstacle(policy.Kind+" "+policy.Name, number))
		case policy.Kind == securityGroups && concerns:
			found = append(found, obstacle{policy.Kind + " " + policy.Name + " gives the pods security groups of " +
				"AWS, whose rules are unknown", ""})
		}
	}
	return found
}

// OthersWith returns the policies of other kinds that may concern pods and have a port's number.
func (a *Around) OthersWith(t *corev1.PodTemplateSpec, port int32) (all []Policy) {
	p := Pod{Template: t, Ports: []Port{{Number: port}}}
	for _, policy := range a.Others {
		if _, has := p.numberAmong(policy.Spec, a.mayConcern(policy, p)); has {
			all = append(all, policy)
		}
	}
	return all
}

// mayConcern reports whether a policy may select the pod. Selectors in another language, such as
// Calico's, may select any pod.
func (a *Around) mayConcern(policy Policy, p Pod) bool {
	if !a.MayBe(policy.Namespace) {
		return false
	}
	spec, is := policy.Spec.(map[string]any)
	if !is {
		return true
	}
	for _, field := range []string{"endpointSelector", "podSelector", "selector", "workloadSelector"} {
		if s, is := spec[field].(map[string]any); is && !mayMatch(s, p) {
			return false
		}
	}
	return true
}

// sourcePrefixes are what Cilium may put before the key of a label of a pod.
var sourcePrefixes = []string{"k8s:", "any:"}

// mayMatch reports whether a selector may match the pod's labels. Unknown fields, and labels that
// are not the pod's own, may match.
func mayMatch(selector map[string]any, p Pod) bool {
	text, err := json.Marshal(selector)
	if err != nil {
		return true
	}
	for _, prefix := range sourcePrefixes {
		text = []byte(strings.ReplaceAll(string(text), `"`+prefix, `"`))
	}
	var s struct {
		metav1.LabelSelector `json:",inline"`
		Labels               map[string]string `json:"labels"` // of a workloadSelector
	}
	if json.Unmarshal(text, &s) != nil {
		return true
	}
	maps.DeleteFunc(s.MatchLabels, func(key, _ string) bool { return isForeignLabel(key) })
	s.MatchExpressions = slices.DeleteFunc(s.MatchExpressions, func(r metav1.LabelSelectorRequirement) bool {
		return isForeignLabel(r.Key)
	})
	if s.MatchLabels == nil {
		s.MatchLabels = make(map[string]string)
	}
	maps.Copy(s.MatchLabels, s.Labels)
	return maySelect(&s.LabelSelector, p.labels())
}

// isForeignLabel reports whether a selector's key is not a pod label: one of Cilium's for
// namespaces and service accounts, or one of another source.
func isForeignLabel(key string) bool {
	return strings.HasPrefix(key, "io.cilium.") || strings.HasPrefix(key, "io.kubernetes.pod.") ||
		strings.Contains(key, ":")
}

// numberAmong returns a port of the pod that is in a part of a policy as a number. If all is false,
// only rules for outgoing connections count.
func (p Pod) numberAmong(part any, all bool) (int32, bool) {
	switch part := part.(type) {
	case []any:
		for _, element := range part {
			if n, has := p.numberAmong(element, all); has {
				return n, true
			}
		}
	case map[string]any:
		if n, has := p.numberInRange(part); has && all {
			return n, true
		}
		if n, has := p.numberInCondition(part); has && all {
			return n, true
		}
		for _, key := range slices.Sorted(maps.Keys(part)) {
			if n, has := p.numberUnder(key, part[key], all); has {
				return n, true
			}
		}
	}
	return 0, false
}

// numberUnder returns a port of the pod that is under a key of a policy.
func (p Pod) numberUnder(key string, value any, all bool) (int32, bool) {
	all = all || strings.HasPrefix(key, "egress")
	if !all || !strings.Contains(strings.ToLower(key), "port") {
		return p.numberAmong(value, all)
	}
	elements, is := value.([]any)
	if !is {
		elements = []any{value}
	}
	for _, element := range elements {
		if n, has := p.numberIn(scalar(element)); has {
			return n, true
		}
		if byPort, is := element.(map[string]any); is { // as portLevelMtls
			for _, k := range slices.Sorted(maps.Keys(byPort)) {
				if n, has := p.numberIn(k); has {
					return n, true
				}
			}
		}
		if n, has := p.numberAmong(element, all); has {
			return n, true
		}
	}
	return 0, false
}

// numberInCondition returns a port of the pod among the values of a condition on a port, as in the
// field when of an AuthorizationPolicy.
func (p Pod) numberInCondition(part map[string]any) (int32, bool) {
	if !strings.Contains(strings.ToLower(scalar(part["key"])), "port") {
		return 0, false
	}
	for _, field := range []string{"values", "notValues"} {
		values, _ := part[field].([]any)
		for _, v := range values {
			if n, has := p.numberIn(scalar(v)); has {
				return n, true
			}
		}
	}
	return 0, false
}

// numberInRange returns a port of the pod between the two fields of a range, as Cilium's port and
// endPort, and start and end of an AdminNetworkPolicy.
func (p Pod) numberInRange(part map[string]any) (int32, bool) {
	for _, fields := range [][2]string{{"port", "endPort"}, {"start", "end"}} {
		first, last := scalar(part[fields[0]]), scalar(part[fields[1]])
		if first != "" && last != "" {
			if n, has := p.numberIn(first + "-" + last); has {
				return n, true
			}
		}
	}
	return 0, false
}

// scalar returns a number or a string as text, and an empty string for anything else.
func scalar(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case float64, int64, int, json.Number:
		return fmt.Sprint(value)
	}
	return ""
}

// rangeHas reports whether a text is a number, or a range such as 8000-9000 or 8000:9000, that has a
// port.
func rangeHas(text string, port int32) bool {
	first, last, isRange := strings.Cut(strings.ReplaceAll(text, ":", "-"), "-")
	if !isRange {
		last = first
	}
	low, err := strconv.ParseInt(first, 10, 32)
	high, err2 := strconv.ParseInt(last, 10, 32)
	return err == nil && err2 == nil && low <= int64(port) && int64(port) <= high
}
