//go:build !linux

package sockdiag

// PassiveOpens fails.
func (*Conn) PassiveOpens() (uint64, error) { return 0, ErrUnavailable }
