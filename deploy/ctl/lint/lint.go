package lint

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ignoreAnnotation names rules that are not for an object, comma-separated, each with a reason after a colon if there is one. It is
// read on the object itself and, for a workload, on its pod template.
const ignoreAnnotation = "lint.lameduck.dev/ignore"

// rules are all that there are.
var rules = slices.Concat(graceRules, hookRules, portRules, rolloutRules, nodeRules, meshRules, releaseRules, injectionRules, webhookRules, inputRules)

// Lint returns what the rules find, in the order of the files or, from a cluster, of the objects' names.
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

// resolve looks for what belongs together.
func (in *Inventory) resolve() {
	for _, w := range in.workloads {
		w.resolve()
	}
	for _, h := range in.webhooks {
		h.in = in
	}
	for i, g := range in.gaps {
		in.gaps[i].rules = rulesThatNeed(g.resource)
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

// ignoredRules are those of the annotation.
func ignoredRules(annotations map[string]string) []string {
	var ids []string
	for part := range strings.SplitSeq(annotations[ignoreAnnotation], ",") {
		id, _, _ := strings.Cut(part, ":")
		ids = append(ids, strings.TrimSpace(id))
	}
	return ids
}

// podsOf returns the pods that a workload has made.
func (in *Inventory) podsOf(w *workload) []*corev1.Pod {
	var found []*corev1.Pod
	for _, p := range in.pods {
		if p.Namespace == w.namespace() && w.selector.Matches(labels.Set(p.Labels)) {
			found = append(found, p)
		}
	}
	return found
}

// A gap is what could not be looked at.
type gap struct {
	object   object // empty: it is a whole list
	resource string // plural, as in RBAC
	fix      string
	why      string
	rules    []string // that say less without it
}

// knows tells whether everything of a resource is here: a file may be one of many, and a cluster may refuse to list.
func (in *Inventory) knows(resource string) bool {
	return in.cluster && !slices.ContainsFunc(in.gaps, func(g gap) bool { return g.resource == resource })
}

// A stray is a field of a manifest that its kind does not have.
type stray struct {
	object object
	field  string // empty: the message says it
	what   string
}

// inputRules are about what there is to look at.
var inputRules = []Rule{
	{
		ID: "unknown-field", Severity: Warning,
		Title: "a field that the object's kind does not have",
		Explanation: `It is misspelt or in the wrong place, so that kubectl refuses the manifest or, without validation, the API server drops the field, and what it was
meant for does not happen: a hook, a probe, a grace period. The same for a field that is there twice.`,
		check: unknownFields,
	},
	{
		ID: "not-checked", Severity: Info,
		Title: "something could not be looked at",
		Explanation: `A list that the cluster refuses to you, or a version of a kind that is not read here. The finding says which, and which rules say nothing or less
without it; nothing is left out in silence.`,
		check: notChecked,
	},
}

func unknownFields(in *Inventory, tell tell) {
	for _, s := range in.strays {
		var at *field.Path
		if s.field != "" {
			at = field.NewPath(s.field)
		}
		tell(&s.object, at, s.what+", so it is refused or dropped and what it is meant for does not happen",
			"see how it is spelt and where it belongs: kubectl explain "+strings.ToLower(s.object.Kind))
	}
}

func notChecked(in *Inventory, tell tell) {
	for _, g := range in.gaps {
		why := g.resource + ": " + g.why
		if len(g.rules) > 0 {
			why += ", so that these rules say nothing or less: " + strings.Join(g.rules, ", ")
		}
		tell(&g.object, nil, why, g.fix)
	}
}
