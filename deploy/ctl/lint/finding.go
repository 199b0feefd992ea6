package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Severity says what a finding costs.
type Severity int

// From the least to the worst.
const (
	Info    Severity = iota // worth knowing: among it, what could not be looked at
	Warning                 // goes wrong with the next node, release or burst of traffic
	Error                   // requests are lost, or an operation hangs, with the next rollout or node drain
)

var severityNames = []string{"info", "warning", "error"}

func (s Severity) String() string { return severityNames[s] }

// MarshalText lets a severity be its name in JSON.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// ParseSeverity is the reverse of String.
func ParseSeverity(name string) (Severity, error) {
	i := slices.Index(severityNames, name)
	if i < 0 {
		return 0, fmt.Errorf("severity %q: use %s", name, strings.Join(severityNames, ", "))
	}
	return Severity(i), nil
}

// A Finding is what a rule has found in an object.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	Object   Object   `json:"object"`
	Field    string   `json:"field,omitempty"` // within the object, as in spec.template.spec.containers[0]
	Why      string   `json:"why"`             // one sentence, with its consequence
	Fix      string   `json:"fix"`
	File     string   `json:"file,omitempty"` // empty: it is from a cluster
	Line     int      `json:"line,omitempty"`
}

// An Object is the name of one. All of it is empty where a finding is about the input as a whole.
type Object struct {
	Kind      string `json:"kind,omitempty"`
	Namespace string `json:"namespace,omitempty"` // empty: it has none, or its manifest leaves it open
	Name      string `json:"name,omitempty"`
}

func (o Object) String() string {
	if o.Namespace == "" {
		return o.Kind + " " + o.Name
	}
	return o.Kind + " " + o.Namespace + "/" + o.Name
}

// sortFindings puts them in the order in which people read: along the files, or by object.
func sortFindings(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Object.Namespace, b.Object.Namespace), cmp.Compare(a.Object.Kind, b.Object.Kind), cmp.Compare(a.Object.Name, b.Object.Name),
			-cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Field, b.Field),
		)
	})
}

// Count returns how many findings have a severity.
func Count(findings []Finding, s Severity) int {
	n := 0
	for _, f := range findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// AnyAtLeast tells whether there is a finding of the severity or a worse one.
func AnyAtLeast(findings []Finding, s Severity) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity >= s })
}
