//go:build !linux

package proxy

import "syscall"

func endOfPeer(syscall.RawConn) (end peerEnd, over bool) { return peerStays, false }

func (*parker) watchEnd(syscall.RawConn, func()) uint64 { return 0 }
func (*parker) watchReset(syscall.RawConn, uint64)      {}
func (*parker) unwatch(syscall.RawConn, uint64)         {}
