package inject

import "errors"

// A Refusal is the reason why a pod cannot be protected.
//
//nolint:errname // RefusalError would say it twice
type Refusal struct {
	Field  string // of the pod template, such as spec.containers[0].ports
	Why    string
	Remedy string
}

func (r *Refusal) Error() string { return r.Field + ": " + r.Why + ": " + r.Remedy }

// Refusals returns the refusals in an error, which may be a join of several. It returns nil for any
// other error.
func Refusals(err error) []*Refusal {
	var several interface{ Unwrap() []error }
	if errors.As(err, &several) {
		var all []*Refusal
		for _, e := range several.Unwrap() {
			all = append(all, Refusals(e)...)
		}
		return all
	}
	var one *Refusal
	if errors.As(err, &one) {
		return []*Refusal{one}
	}
	return nil
}
