package lint

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// A Rule looks for one thing that goes wrong.
type Rule struct {
	ID          string
	Severity    Severity
	Title       string   // what is wrong
	Explanation string   // what happens then, why, and what to do; for those who ask
	needs       []string // resources, besides the one that it looks at, without which it says nothing or less
	check       check
}

// A check looks at everything there is.
type check func(in *Inventory, tell tell)

// A tell takes a finding: the object, the field, why it matters, in one sentence with the consequence, and the fix.
type tell func(on *object, at *field.Path, why, fix string)

// A say is one for the object at hand.
type say func(at *field.Path, why, fix string)

func (t tell) about(o *object) say {
	return func(at *field.Path, why, fix string) { t(o, at, why, fix) }
}

func eachWorkload(f func(*workload, say)) check {
	return func(in *Inventory, tell tell) {
		for _, w := range in.workloads {
			f(w, tell.about(&w.object))
		}
	}
}

// eachProtected is for those with a Lameduck.
func eachProtected(f func(*workload, *duck, say)) check {
	return eachWorkload(func(w *workload, say say) {
		if w.duck != nil {
			f(w, w.duck, say)
		}
	})
}

// eachHook is for every preStop hook.
func eachHook(f func(*workload, container, say)) check {
	return eachWorkload(func(w *workload, say say) {
		for _, c := range w.containers() {
			if h, _ := c.preStop(); h != nil {
				f(w, c, say)
			}
		}
	})
}

// eachReplicated is for those with clients whose replicas can be counted.
func eachReplicated(f func(*workload, say)) check {
	return eachWorkload(func(w *workload, say say) {
		if w.isReplicated() && w.serves() {
			f(w, say)
		}
	})
}

func eachService(f func(*service, say)) check {
	return func(in *Inventory, tell tell) {
		for _, s := range in.services {
			f(s, tell.about(&s.object))
		}
	}
}

func eachBudget(f func(*budget, say)) check {
	return func(in *Inventory, tell tell) {
		for _, b := range in.budgets {
			f(b, tell.about(&b.object))
		}
	}
}

func eachWebhook(f func(*webhook, say)) check {
	return func(in *Inventory, tell tell) {
		for _, h := range in.webhooks {
			f(h, tell.about(&h.object))
		}
	}
}

// Rules are all that there are, in the order of the documentation.
func Rules() []Rule { return slices.Clone(rules) }

// Find returns the rule of that name.
func Find(id string) (Rule, bool) {
	i := slices.IndexFunc(rules, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		return Rule{}, false
	}
	return rules[i], true
}

// Text is the explanation as one paragraph.
func (r Rule) Text() string { return strings.Join(strings.Fields(r.Explanation), " ") }
