package inject

// A Refusal says why a pod cannot be protected as it stands.
//
//nolint:errname // RefusalError would say it twice
type Refusal struct {
	Field  string // of the pod template, as spec.containers[0].ports
	Why    string
	Remedy string
}

func (r *Refusal) Error() string { return r.Field + ": " + r.Why + ": " + r.Remedy }
