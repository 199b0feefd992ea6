package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Severity is the severity of a finding.
type Severity int

// The severities, in ascending order.
const (
	Info    Severity = iota // worth knowing; also what could not be checked
	Warning                 // a problem with the next node failure, release or burst of traffic
	Error                   // requests are lost or an operation hangs in the next rollout or node drain
)

var severityNames = []string{"info", "warning", "error"}

func (s Severity) String() string { return severityNames[s] }

// MarshalText encodes a severity as its name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// ParseSeverity is the reverse of String.
func ParseSeverity(name string) (Severity, error) {
	i := slices.Index(severityNames, name)
	if i < 0 {
		return 0, fmt.Errorf("severity %q: use %s", name, strings.Join(severityNames, ", "))
	}
	return Severity(i), nil
}

// A Finding is a problem that a rule has found.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	Object   Object   `json:"object"`
	Field    string   `json:"field,omitempty"` // of the object, such as spec.template.spec.containers[0]
	Why      string   `json:"why"`             // one sentence with the consequence
	Fix      string   `json:"fix"`
	File     string   `json:"file,omitempty"` // empty for an object of a cluster
	Line     int      `json:"line,omitempty"`
}

// An Object identifies an object. It is empty for a finding about the input as a whole.
type Object struct {
	Kind      string `json:"kind,omitempty"`
	Namespace string `json:"namespace,omitempty"` // empty if it has none or its manifest does not set it
	Name      string `json:"name,omitempty"`
}

func (o Object) String() string {
	if o.Namespace == "" {
		return o.Kind + " " + o.Name
	}
	return o.Kind + " " + o.Namespace + "/" + o.Name
}

// sortFindings sorts by position in the files, or else by object.
func sortFindings(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Object.Namespace, b.Object.Namespace),
			cmp.Compare(a.Object.Kind, b.Object.Kind), cmp.Compare(a.Object.Name, b.Object.Name),
			-cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Field, b.Field),
		)
	})
}

// Count returns the number of findings of a severity.
func Count(findings []Finding, s Severity) int {
	n := 0
	for _, f := range findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// AnyAtLeast reports whether there is a finding of the severity or a higher one.
func AnyAtLeast(findings []Finding, s Severity) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity >= s })
}
