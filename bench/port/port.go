package port

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"strconv"
	"sync"
	"syscall"
)

// Ports come in blocks, and each process has one. They are above the ports of well-known servers and
// below 32768, where Linux starts to choose ports for outgoing connections.
const (
	lowest = 10_000
	blocks = 22
	size   = 1000 // of a block
)

// own is the block of this process.
var own struct {
	mu      sync.Mutex
	claim   net.PacketConn // keeps other processes from the block
	claimed bool
	first   int // the lowest port
	next    int // below size
}

// Addr returns `127.0.0.1:PORT` with a port of [Next].
func Addr() (string, error) {
	n, err := Next()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(n)), err
}

// Next returns a port that any program can bind, at any address. It returns a port again only after
// all others of the block. It may be called by any goroutine.
func Next() (int, error) {
	own.mu.Lock()
	defer own.mu.Unlock()
	if !own.claimed {
		claimLocked()
	}
	for range size {
		n := own.first + own.next
		own.next = (own.next + 1) % size
		if isFree(n) {
			return n, nil
		}
	}
	return 0, fmt.Errorf("no free port from %d to %d: stop programs that listen there", own.first, own.first+size-1)
}

// claimLocked claims a block that no other process has, or shares one if there is none left.
func claimLocked() {
	for _, block := range rand.Perm(blocks) {
		own.first = lowest + block*size
		if c, err := claim(block); err == nil {
			own.claim = c
			break
		}
	}
	own.next, own.claimed = rand.IntN(size), true
}

// claim claims a block for the life of this process: by a name of a socket, which another process
// cannot bind. Linux has names that are not in the file system.
func claim(block int) (net.PacketConn, error) {
	if runtime.GOOS != "linux" {
		return nil, syscall.ENOTSUP
	}
	name := fmt.Sprintf("@lameduck-ports-%d", lowest+block*size)
	return new(net.ListenConfig).ListenPacket(context.Background(), "unixgram", name)
}

// isFree reports whether a port can be bound, at all addresses and without SO_REUSEADDR, which a program
// may not set. No program may be started meanwhile: until its execve it would have a copy of the
// listener, which would keep the port from its user.
func isFree(port int) bool {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	strict := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 0)
		})
	}}
	l, err := strict.Listen(context.Background(), "tcp", ":"+strconv.Itoa(port))
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}
