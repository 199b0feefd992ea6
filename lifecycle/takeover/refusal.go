package takeover

import (
	"fmt"
)

// A RefusalError is the reason why takeover is not possible here, with the remedy.
type RefusalError struct {
	Reason string
	Remedy string
	Err    error // of the system call, or nil
}

func (r *RefusalError) Error() string {
	reason := r.Reason
	if r.Err != nil {
		reason += fmt.Sprintf(" (%v)", r.Err)
	}
	return fmt.Sprintf("takeover is not possible: %s. Remedy: %s, or give the app another port and use "+
		"a route with two ports, for example LAMEDUCK_ROUTES=8080=8081", reason, r.Remedy)
}

func (r *RefusalError) Unwrap() error { return r.Err }
