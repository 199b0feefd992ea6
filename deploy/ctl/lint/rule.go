package lint

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// A Rule finds one kind of problem.
type Rule struct {
	ID          string
	Severity    Severity
	Title       string   // the problem
	Explanation string   // the consequence, the reason and the remedy
	needs       []string // more resources that it reads; without them it finds less
	check       check
}

// A check reports the findings of a rule.
type check func(in *Inventory, report reporter)

// A reporter records a finding: the object, the field, one sentence with the consequence, and the
// fix.
type reporter func(on *object, at *field.Path, why, fix string)

// An objectReporter records a finding about one object.
type objectReporter func(at *field.Path, why, fix string)

func (r reporter) about(o *object) objectReporter {
	return func(at *field.Path, why, fix string) { r(o, at, why, fix) }
}

func eachWorkload(f func(*workload, objectReporter)) check {
	return func(in *Inventory, report reporter) {
		for _, w := range in.workloads {
			f(w, report.about(&w.object))
		}
	}
}

// eachProtected checks the workloads with Lameduck.
func eachProtected(f func(*workload, *sidecar, objectReporter)) check {
	return eachWorkload(func(w *workload, report objectReporter) {
		if w.sidecar != nil {
			f(w, w.sidecar, report)
		}
	})
}

// eachHook checks every preStop hook.
func eachHook(f func(*workload, container, objectReporter)) check {
	return eachWorkload(func(w *workload, report objectReporter) {
		for _, c := range w.containers() {
			if h, _ := c.preStop(); h != nil {
				f(w, c, report)
			}
		}
	})
}

// eachReplicated checks the workloads with clients and with replicas that can be counted.
func eachReplicated(f func(*workload, objectReporter)) check {
	return eachWorkload(func(w *workload, report objectReporter) {
		if w.isReplicated() && w.serves() {
			f(w, report)
		}
	})
}

func eachService(f func(*service, objectReporter)) check {
	return func(in *Inventory, report reporter) {
		for _, s := range in.services {
			f(s, report.about(&s.object))
		}
	}
}

func eachBudget(f func(*budget, objectReporter)) check {
	return func(in *Inventory, report reporter) {
		for _, b := range in.budgets {
			f(b, report.about(&b.object))
		}
	}
}

func eachWebhook(f func(*webhook, objectReporter)) check {
	return func(in *Inventory, report reporter) {
		for _, h := range in.webhooks {
			f(h, report.about(&h.object))
		}
	}
}

// Rules returns all rules in the order of the documentation.
func Rules() []Rule { return slices.Clone(rules) }

// Find returns the rule with an ID.
func Find(id string) (Rule, bool) {
	i := slices.IndexFunc(rules, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		return Rule{}, false
	}
	return rules[i], true
}

// Text returns the explanation as one paragraph.
func (r Rule) Text() string { return strings.Join(strings.Fields(r.Explanation), " ") }
