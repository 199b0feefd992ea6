package inject

import "errors"

// A Refusal says why a pod cannot be protected as it stands.
//
//nolint:errname // RefusalError would say it twice
type Refusal struct {
	Field  string // of the pod template, as spec.containers[0].ports
	Why    string
	Remedy string
}

func (r *Refusal) Error() string { return r.Field + ": " + r.Why + ": " + r.Remedy }

// Refusals returns those that an error has: itself, or several that are joined. None: it is another error, or nil.
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
