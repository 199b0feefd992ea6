//go:build !linux

package proxy

import (
	"syscall"

	"go.uber.org/zap"
)

// A parker parks nothing: there is no epoll.
type parker struct{}

func newParker(*zap.Logger, func()) *parker { return &parker{} }

func (*parker) run()                                            {}
func (*parker) close()                                          {}
func (*parker) add(parkable, syscall.RawConn, uint64) uint64    { return 0 }
func (*parker) remove(uint64, syscall.RawConn, syscall.RawConn) {}
func (*parker) parkedConns() int                                { return 0 }
