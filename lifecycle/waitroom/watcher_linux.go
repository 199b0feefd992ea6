package waitroom

import (
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A watcher notices connections that their clients have closed. It has one epoll set and one goroutine
// for all of them. A descriptor that is closed leaves the set by itself.
type watcher struct {
	left  func(token uint64)
	epoll *os.File // nil if there is no set
	raw   syscall.RawConn

	running sync.WaitGroup // goroutines
}

// newWatcher returns a watcher that calls left, from a goroutine of its own, with the tokens of the
// connections that have ended.
func newWatcher(left func(token uint64)) *watcher {
	w := &watcher{left: left}
	if w.open() == nil {
		w.running.Go(w.loop)
	}
	return w
}

func (w *watcher) open() error {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	if err := unix.SetNonblock(fd, true); err != nil { // the runtime waits for it
		_ = unix.Close(fd)
		return err
	}
	file := os.NewFile(uintptr(fd), "epoll")
	if w.raw, err = file.SyscallConn(); err != nil {
		_ = file.Close()
		return err
	}
	w.epoll = file
	return nil
}

// add watches a connection.
func (w *watcher) add(conn net.Conn, token uint64) {
	if !w.addToSet(conn, token) {
		w.running.Go(func() { readToEnd(conn, token, w.left) })
	}
}

// addToSet reports false if the connection has no descriptor to wait for.
func (w *watcher) addToSet(conn net.Conn, token uint64) bool {
	c, ok := conn.(syscall.Conn)
	if !ok || w.epoll == nil {
		return false
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	e := unix.EpollEvent{
		Events: unix.EPOLLRDHUP | unix.EPOLLONESHOT, // EPOLLHUP and EPOLLERR are always reported
		Fd:     int32(token),
		Pad:    int32(token >> 32),
	}
	failure := net.ErrClosed // unless both descriptors are still there
	add := func(epoll uintptr) {
		_ = raw.Control(func(fd uintptr) {
			failure = unix.EpollCtl(int(epoll), unix.EPOLL_CTL_ADD, int(fd), &e)
		})
	}
	return w.raw.Control(add) == nil && failure == nil
}

// loop reports the connections that have ended until the set is closed.
func (w *watcher) loop() {
	events := make([]unix.EpollEvent, 64)
	for {
		var n int
		var failure error
		err := w.raw.Read(func(fd uintptr) bool {
			n, failure = unix.EpollWait(int(fd), events, 0)
			return n > 0 || failure != nil && failure != unix.EINTR
		})
		if err != nil || failure != nil {
			return
		}
		for _, e := range events[:n] {
			w.left(uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32)
		}
	}
}

// close ends the goroutines. Every connection has been closed before.
func (w *watcher) close() {
	if w.epoll != nil {
		_ = w.epoll.Close()
	}
	w.running.Wait()
}
