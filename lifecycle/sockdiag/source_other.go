//go:build !linux

package sockdiag

// A source has nothing to read sockets from.
type source struct{}

func (*source) open() {}

func (*source) close() {}

func (*source) dump(query, func(*socket)) error { return ErrUnavailable }
