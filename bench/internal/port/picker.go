package port

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"syscall"
)

const (
	// Above the ports of well-known servers and below 32768, where Linux starts to choose ports for
	// outgoing connections.
	lowest  = 20000
	highest = 32000
	// Even with most of the range taken, a free port is found within this many tries.
	tries = 1000
)

// A Picker finds ports, none of them twice. Its zero value is ready for use. It is safe for
// concurrent use.
type Picker struct {
	mu   sync.Mutex
	used map[int]bool
}

// Addr returns `127.0.0.1:PORT` with a port that nothing listens on and that this picker has not
// returned before.
func (p *Picker) Addr() (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range tries {
		n := lowest + rand.IntN(highest-lowest)
		if addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(n)); !p.used[n] && free(addr) {
			p.mark(n)
			return addr, nil
		}
	}
	return "", fmt.Errorf("no free port on 127.0.0.1 from %d to %d in %d tries: stop programs that listen there",
		lowest, highest, tries)
}

func (p *Picker) mark(n int) {
	if p.used == nil {
		p.used = make(map[int]bool)
	}
	p.used[n] = true
}

// free reports whether nothing listens on an address. No program may be started meanwhile: until its
// execve it would have a copy of the listener, which would keep the port from its user.
func free(addr string) bool {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	l.Close()
	return true
}
