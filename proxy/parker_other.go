//go:build !linux

package proxy

// A parker parks nothing: there is no epoll.
type parker struct{}

func newParker(*Server) *parker  { return &parker{} }
func (*parker) run()             {}
func (*parker) close()           {}
func (*parker) add(*conn) uint64 { return 0 }
func (*parker) remove(*conn)     {}
func (*parker) parkedConns() int { return 0 }
