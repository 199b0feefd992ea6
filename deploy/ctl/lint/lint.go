package lint

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ignoreAnnotation has rules to ignore for an object, comma-separated, each with an optional reason
// after a colon. It is read on the object and, for a workload, also on the pod template.
const ignoreAnnotation = "lint.lameduck.dev/ignore"

// rules are all rules.
var rules = slices.Concat(
	graceRules, hookRules, portRules, stickyRules, observeRules, takeoverRules, redirectRules, rolloutRules, nodeRules,
	meshRules, releaseRules, injectionRules,
	webhookRules,
	inputRules,
)

// Lint returns the findings of all rules, sorted by position or, from a cluster, by object.
func (in *Inventory) Lint() []Finding {
	in.resolve()
	var findings []Finding
	for _, r := range rules {
		if slices.Contains(in.options.Ignore, r.ID) {
			continue
		}
		r.check(in, func(o *object, at *field.Path, why, fix string) {
			if !slices.Contains(o.ignore, r.ID) {
				findings = append(findings, newFinding(r, o, at, why, fix))
			}
		})
	}
	sortFindings(findings)
	return findings
}

// resolve finds the references between objects.
func (in *Inventory) resolve() {
	for _, w := range in.workloads {
		w.resolve()
	}
	for _, h := range in.webhooks {
		h.in = in
	}
	for i, g := range in.unread {
		in.unread[i].rules = rulesThatNeed(cmp.Or(g.like, g.resource))
	}
}

func rulesThatNeed(resource string) []string {
	var ids []string
	for _, r := range rules {
		if slices.Contains(r.needs, resource) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

func newFinding(r Rule, o *object, at *field.Path, why, fix string) Finding {
	f := Finding{Rule: r.ID, Severity: r.Severity, Object: o.Object, Why: why, Fix: fix}
	if at != nil {
		f.Field = at.String()
	}
	f.File, f.Line = o.place(at)
	return f
}

// ignoredRules returns the rules in the annotation.
func ignoredRules(annotations map[string]string) []string {
	var ids []string
	for part := range strings.SplitSeq(annotations[ignoreAnnotation], ",") {
		id, _, _ := strings.Cut(part, ":")
		ids = append(ids, strings.TrimSpace(id))
	}
	return ids
}

// podsOf returns the existing pods of a workload.
func (in *Inventory) podsOf(w *workload) []*corev1.Pod {
	var found []*corev1.Pod
	for _, p := range in.pods {
		if p.Namespace == w.namespace() && w.selector.Matches(labels.Set(p.Labels)) {
			found = append(found, p)
		}
	}
	return found
}

// An unreadResource could not be checked.
type unreadResource struct {
	object   object // empty for a list
	resource string // plural, as in RBAC
	like     string // the resource that rules need, if it is not this one
	fix      string
	why      string
	rules    []string // that find less without it
}

// makesPods reports whether what could not be read may make pods.
func (u unreadResource) makesPods() bool {
	return slices.Contains(podMakers, u.resource) || strings.Contains(u.resource, " ")
}

// podMakers are the resources that make pods with clients.
var podMakers = []string{
	"deployments", "statefulsets", "daemonsets", "replicasets", "replicationcontrollers", "pods",
}

// isComplete reports whether all objects of a resource are known. A file may be one of many, and
// listing may be forbidden.
func (in *Inventory) isComplete(resource string) bool {
	return in.cluster && !slices.ContainsFunc(in.unread, func(g unreadResource) bool { return g.resource == resource })
}

// An unknownField is a field of a manifest that its kind does not have.
type unknownField struct {
	object object
	field  string // empty if it is in the message only
	what   string // message
}

// inputRules check the input itself.
var inputRules = []Rule{
	{
		ID: "unknown-field", Severity: Warning,
		Title: "a field that the kind of the object does not have",
		Explanation: `The field is misspelt or in the wrong place. kubectl rejects the manifest
or, without validation, the API server drops the field and its hook, probe or grace period has no
effect. The same applies to a field that is set twice.`,
		check: unknownFields,
	},
	{
		ID: "not-checked", Severity: Info,
		Title: "something could not be checked",
		Explanation: `You are not allowed to list a resource, or the version of an object is not supported.
The finding names it, and the rules that find less without it. Nothing is skipped silently.`,
		check: notChecked,
	},
}

func unknownFields(in *Inventory, report reporter) {
	for _, s := range in.unknownFields {
		var at *field.Path
		if s.field != "" {
			at = field.NewPath(s.field)
		}
		report(&s.object, at, s.what+", so it is rejected or dropped and has no effect",
			"correct its name or its place: kubectl explain "+strings.ToLower(s.object.Kind))
	}
}

func notChecked(in *Inventory, report reporter) {
	for _, g := range in.unread {
		why := g.resource + ": " + g.why
		if len(g.rules) > 0 {
			why += ", so these rules find less: " + strings.Join(g.rules, ", ")
		}
		report(&g.object, nil, why, g.fix)
	}
}
