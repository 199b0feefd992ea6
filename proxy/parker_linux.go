package proxy

import (
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// A parker waits for both descriptors of every parked connection in one epoll set, and looks for
// connections to park. Its goroutine starts with the first connection that can be parked.
type parker struct {
	log   *zap.Logger
	sweep func() // parks the connections that are idle
	start sync.Once
	done  chan struct{} // closed when the goroutine has ended; nil when it was never started

	mu     sync.Mutex
	epoll  *os.File
	raw    syscall.RawConn
	conns  map[uint64]parkable // by token; also those with only one side that is watched
	both   map[uint64]struct{} // tokens of the connections with two
	ends   map[uint64]func()   // what is called when a peer ends its side, by token
	last   uint64              // token
	closed bool

	// Owned by loop.
	trimmed   int // connections that were parked at the last trim, or fewer since
	trimmedAt time.Time
}

// trimFrom is the number of newly parked connections from which on a collection of their stacks
// pays off. trimEvery is the minimum time between two collections.
const (
	trimFrom  = 256
	trimEvery = 10 * time.Second
)

func newParker(log *zap.Logger, sweep func()) *parker {
	return &parker{
		log: log, sweep: sweep,
		conns: make(map[uint64]parkable), both: make(map[uint64]struct{}), ends: make(map[uint64]func()),
	}
}

// run starts the goroutine, once. Without an epoll set nothing is ever parked.
func (p *parker) run() {
	p.start.Do(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.closed {
			return
		}
		if err := p.open(); err != nil {
			p.log.Warn("idle connections are not parked", zap.Error(err))
			return
		}
		p.done = make(chan struct{})
		go p.loop()
	})
}

func (p *parker) open() error {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // for the runtime to wait for it
		_ = unix.Close(fd)
		return os.NewSyscallError("fcntl", err)
	}
	p.epoll = os.NewFile(uintptr(fd), "epoll")
	p.raw, err = p.epoll.SyscallConn()
	return err
}

// close ends the goroutine and closes the set. Every connection has ended before.
func (p *parker) close() {
	p.mu.Lock()
	p.closed = true
	if p.epoll != nil {
		_ = p.epoll.Close()
	}
	done := p.done
	p.mu.Unlock()
	if done != nil {
		<-done
	}
}

// loop wakes connections whose descriptors are ready and sweeps in between.
func (p *parker) loop() {
	defer close(p.done)
	events := make([]unix.EpollEvent, 128)
	next := time.Now().Add(parkAfter)
	for {
		n, err := p.wait(events, next)
		for _, e := range events[:n] {
			p.wake(token(e))
		}
		if err != nil && !isTimeout(err) {
			return
		}
		if now := time.Now(); !now.Before(next) {
			p.trim(now)
			p.sweep()
			next = now.Add(parkAfter)
		}
	}
}

// trim returns memory to the system after many goroutines have ended. The runtime would keep it
// until the next collection, which may be minutes away in an idle process.
func (p *parker) trim(now time.Time) {
	n := p.parkedConns()
	p.trimmed = min(p.trimmed, n)
	if n-p.trimmed < trimFrom || now.Sub(p.trimmedAt) < trimEvery {
		return
	}
	p.trimmed, p.trimmedAt = n, now
	runtime.GC()
	exchangeStacks()
	debug.FreeOSMemory()
}

// keptGoroutines is the maximum number of ended goroutines that a processor of the runtime keeps
// for reuse (runtime.gfput).
const keptGoroutines = 64

// exchangeStacks makes the runtime free the stacks of goroutines that it keeps. While many run, new
// ones get larger stacks, and those that end keep them. After a collection, new ones get small
// stacks again, and exchange those that are kept (runtime.gfget). Each of them may be the last use
// of the memory of several stacks: it is 0.8 MB after 1,000 connections, on one core.
func exchangeStacks() {
	var ended sync.WaitGroup
	end := make(chan struct{})
	for range keptGoroutines {
		ended.Go(func() { <-end })
	}
	close(end)
	ended.Wait()
}

// wait waits until descriptors are ready, but not past the deadline.
func (p *parker) wait(events []unix.EpollEvent, deadline time.Time) (n int, err error) {
	if err := p.epoll.SetReadDeadline(deadline); err != nil {
		return 0, err
	}
	var failure error
	err = p.raw.Read(func(fd uintptr) bool {
		n, failure = unix.EpollWait(int(fd), events, 0)
		if failure == unix.EINTR {
			n, failure = 0, nil
		}
		return n != 0 || failure != nil
	})
	if err == nil {
		err = failure
	}
	return max(n, 0), err
}

func (p *parker) wake(token uint64) {
	p.mu.Lock()
	c, ended := p.conns[token], p.ends[token]
	p.mu.Unlock()
	if c != nil {
		c.wake()
	}
	if ended != nil {
		ended()
	}
}

// add watches the side of a connection that a parked direction reads from. The token is 0 for the
// first direction, and what add returned for it for the second one. It returns 0 if the side cannot
// be watched. The caller holds the connection's mu.
func (p *parker) add(c parkable, source syscall.RawConn, token uint64) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.epoll == nil || p.closed {
		return 0
	}
	second := token != 0
	if !second {
		p.last++
		token = p.last
	}
	e := oneEvent(unix.EPOLLIN|unix.EPOLLRDHUP, token)
	if !p.control(source, unix.EPOLL_CTL_ADD, &e) {
		return 0
	}
	p.conns[token] = c
	if second {
		p.both[token] = struct{}{}
	}
	return token
}

// remove stops watching a connection. A side that has not been added is nil. The caller holds the
// connection's mu.
func (p *parker) remove(token uint64, client, app syscall.RawConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, token)
	delete(p.both, token)
	if !p.closed {
		var e unix.EpollEvent
		for _, source := range [2]syscall.RawConn{client, app} {
			if source != nil {
				p.control(source, unix.EPOLL_CTL_DEL, &e)
			}
		}
	}
}

// control changes what the epoll set watches on one descriptor.
func (p *parker) control(raw syscall.RawConn, operation int, e *unix.EpollEvent) bool {
	failure := net.ErrClosed // unless the descriptor is still there
	set := func(epoll uintptr) {
		_ = raw.Control(func(fd uintptr) { failure = unix.EpollCtl(int(epoll), operation, int(fd), e) })
	}
	return p.raw.Control(set) == nil && failure == nil
}

// oneEvent returns a one-shot epoll event with a token.
func oneEvent(events uint32, token uint64) unix.EpollEvent {
	return unix.EpollEvent{Events: events | unix.EPOLLONESHOT, Fd: int32(token), Pad: int32(token >> 32)}
}

// token returns the token of an event made by oneEvent.
func token(e unix.EpollEvent) uint64 { return uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32 }

// parkedConns returns how many connections are parked in both directions.
func (p *parker) parkedConns() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.both)
}
