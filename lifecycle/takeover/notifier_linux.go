package takeover

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// A notifier answers the notifications of one filter, one after the other.
type notifier struct {
	ports     []*Port
	others    *others
	log       *zap.Logger
	namespace string // of our network
	loopback6 netip.Addr
	file      *os.File
	raw       syscall.RawConn
	done      chan struct{} // closed when run has returned

	// Owned by run.
	rewrites []rewrite
	bound    []boundSocket

	mu       sync.Mutex
	names    names           // of the sockets that have been moved; guarded by mu
	trial    bool            // the launcher tries whether its bind is moved; guarded by mu
	refusal  *RefusalError   // the first of the trial; guarded by mu
	reported map[string]bool // reasons that have been logged; guarded by mu
}

// A rewrite is a socket address of the child that has been overwritten.
type rewrite struct {
	tid      uint32
	address  uint64
	original []byte
	moved    []byte
}

// A boundSocket has been moved and does not listen yet.
type boundSocket struct {
	name  string // as of thread.socketName
	port  *Port
	asked netip.Addr
}

// maxBound bounds the remembered sockets that were bound and never listened.
const maxBound = 1024

// maxRewrites bounds the remembered addresses of threads that have bound and never listened.
const maxRewrites = 256

// newNotifier returns the notifier of a filter, and takes ownership of its descriptor.
func newNotifier(fd int, ports []*Port, others *others, log *zap.Logger) (*notifier, error) {
	if err := unix.SetNonblock(fd, true); err != nil { // so that the runtime's poller waits for it
		_ = unix.Close(fd)
		return nil, err
	}
	n := &notifier{
		ports: ports, others: others, log: log, done: make(chan struct{}), reported: make(map[string]bool), trial: true,
		names: make(names), loopback6: ipv6Loopback(),
		file: os.NewFile(uintptr(fd), "seccomp notifications"),
	}
	var err error
	if n.namespace, err = networkNamespace("self"); err == nil {
		n.raw, err = n.file.SyscallConn()
	}
	if err != nil {
		_ = n.file.Close()
		return nil, err
	}
	return n, nil
}

// run answers notifications until no process has the filter any more, or close is called.
func (n *notifier) run() {
	defer close(n.done)
	_ = n.raw.Read(func(fd uintptr) (done bool) {
		for {
			switch ready(fd) {
			case unix.POLLIN:
				n.answer(fd)
			case 0:
				return false
			default:
				return true
			}
		}
	})
}

// close makes every bind and listen of the remaining processes fail.
func (n *notifier) close() {
	_ = n.file.Close()
	<-n.done
}

// ready returns POLLIN if a notification waits, 0 if there is none, and otherwise the event after
// which there will be none.
func ready(fd uintptr) int16 {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	if _, err := unix.Poll(fds, 0); err != nil {
		return 0
	}
	if fds[0].Revents&unix.POLLIN != 0 {
		return unix.POLLIN
	}
	return fds[0].Revents
}

// answer receives a notification and answers it. The thread may be killed or interrupted at any
// moment. Then the notification ends, and a repeated call causes a new one.
func (n *notifier) answer(fd uintptr) {
	in, err := receiveNotification(fd)
	if err != nil {
		return
	}
	if in.number == unix.SYS_GETSOCKNAME && n.answerName(fd, &in) {
		_ = letReturn(fd, in.id, 0)
		return
	}
	refusal, errno := n.handle(fd, &in)
	if refusal != nil && isWaiting(fd, in.id) {
		n.refuse(refusal)
	}
	if errno != 0 {
		_ = letReturn(fd, in.id, errno)
		return
	}
	if letContinue(fd, in.id) == unix.EINVAL {
		n.refuse(diagnose(stepContinue, unix.EINVAL))
		_ = letReturn(fd, in.id, unix.ENOSYS)
	}
}

// handle moves the bind of a taken-over port, and restores the addresses that the thread has bound
// before. When a moved socket is about to listen, Lameduck listens first; if it cannot, handle
// returns the error for the call.
func (n *notifier) handle(fd uintptr, in *notification) (*RefusalError, unix.Errno) {
	isBind := in.number == unix.SYS_BIND
	if !isBind && len(n.bound) == 0 && !n.hasRewritten(in.tid) {
		return nil, 0
	}
	t, err := openThread(in.tid)
	if err != nil && !isBind && !n.hasRewritten(in.tid) {
		return nil, n.openFronts("") // the user has changed since the bind
	}
	if err != nil {
		return diagnose(stepOpen, err), 0
	}
	defer t.close()
	if !isWaiting(fd, in.id) {
		return nil, 0 // the thread has gone, so its number may be another's
	}
	n.restore(t)
	socket := int(int32(in.args[0]))
	if isBind {
		return n.move(t, socket, in.args[1], int32(in.args[2])), 0
	}
	return nil, n.openFronts(t.socketName(socket))
}

// openFronts listens in place of a bound socket that is about to listen. If its name is empty, it
// may be any of them.
func (n *notifier) openFronts(socket string) (errno unix.Errno) {
	kept := n.bound[:0]
	for _, b := range n.bound {
		if socket != "" && b.name != socket {
			kept = append(kept, b)
			continue
		}
		if err := b.port.open(b.asked); err != nil {
			n.log.Error("listen in place of the app", zap.Stringer("address", b.asked),
				zap.Uint16("port", b.port.route.Port()), zap.Error(err))
			if !errors.As(err, &errno) {
				errno = unix.EADDRINUSE
			}
			kept = append(kept, b) // the app may try again
		}
	}
	clear(n.bound[len(kept):])
	n.bound = kept
	return errno
}

// awaitListen records that a socket has been moved and will listen.
func (n *notifier) awaitListen(b boundSocket) {
	n.forgetBound(b.name)
	if len(n.bound) == maxBound {
		n.bound = append(n.bound[:0], n.bound[1:]...)
	}
	n.bound = append(n.bound, b)
}

// forgetBound forgets a socket that binds again. Names of sockets are used again too.
func (n *notifier) forgetBound(socket string) {
	n.bound = slices.DeleteFunc(n.bound, func(b boundSocket) bool { return b.name == socket })
}

// move overwrites the socket address of a bind if its port has been taken over.
func (n *notifier) move(t thread, socket int, address uint64, size int32) *RefusalError {
	if size < 0 || size > maxSockaddr {
		return nil
	}
	original := make([]byte, min(size, sizeIPv6))
	if t.read(original, address) != nil {
		return nil //nolint:nilerr // the kernel refuses it
	}
	to, ok := parseSockaddr(original)
	if !ok {
		return nil
	}
	name := t.socketName(socket)
	n.forgetSocket(name) // it may have been bound before, without success
	n.forgetBound(name)
	for _, p := range n.ports {
		if !p.collides(to) {
			continue
		}
		if ours, refusal := n.isOurs(t, socket); !ours {
			return refusal
		}
		moved := moveSockaddr(original, p.moved, n.loopback6)
		if err := t.write(moved, address); err != nil {
			return diagnose(stepWrite, err)
		}
		n.remember(rewrite{t.tid, address, original, moved})
		n.noteMoved(p, to, name, original)
		if !n.isTrial() {
			n.awaitListen(boundSocket{name, p, withZone(to.Addr(), original)})
		}
		n.log.Debug("bind moved", zap.Uint32("tid", t.tid), zap.Stringer("from", to), zap.Uint16("port", p.moved))
		return nil
	}
	n.noteOther(t, socket, to.Port())
	return nil
}

// noteOther records a TCP port that is not moved.
func (n *notifier) noteOther(t thread, socket int, port uint16) {
	if n.isTrial() || !n.others.wants(port) {
		return
	}
	if tcp, err := t.isTCP(socket); err == nil && tcp {
		n.others.add(port)
	}
}

// isOurs reports whether a socket is a TCP socket in our network namespace.
func (n *notifier) isOurs(t thread, socket int) (bool, *RefusalError) {
	tcp, err := t.isTCP(socket)
	if err != nil {
		return false, diagnose(stepSocket, err)
	}
	namespace, err := networkNamespace(strconv.Itoa(int(t.tid)))
	if err != nil {
		return false, diagnose(stepNamespace, err)
	}
	return tcp && namespace == n.namespace, nil
}

func (n *notifier) remember(r rewrite) {
	if len(n.rewrites) == maxRewrites {
		n.rewrites = append(n.rewrites[:0], n.rewrites[1:]...)
	}
	n.rewrites = append(n.rewrites, r)
}

// answerName writes the result of getsockname if the socket has been moved, and reports whether it
// did.
func (n *notifier) answerName(fd uintptr, in *notification) bool {
	if n.isTrial() {
		return false
	}
	t, err := openThread(in.tid)
	if err != nil {
		return false
	}
	defer t.close()
	name, ok := n.nameOf(t.socketName(int(int32(in.args[0]))))
	return ok && isWaiting(fd, in.id) && name.writeTo(t, in.args[1], in.args[2])
}

func (n *notifier) hasRewritten(tid uint32) bool {
	return slices.ContainsFunc(n.rewrites, func(r rewrite) bool { return r.tid == tid })
}

// restore restores the original addresses that a thread has bound. Its bind has returned, since it
// makes another call. Memory that has been reused is left alone.
func (n *notifier) restore(t thread) {
	kept := n.rewrites[:0]
	for _, r := range n.rewrites {
		if r.tid != t.tid {
			kept = append(kept, r)
			continue
		}
		now := make([]byte, len(r.moved))
		if t.read(now, r.address) == nil && bytes.Equal(now, r.moved) {
			_ = t.write(r.original, r.address)
		}
	}
	clear(n.rewrites[len(kept):])
	n.rewrites = kept
}

// refuse records that a bind has not been moved. After the trial it logs why, once for each reason.
func (n *notifier) refuse(r *RefusalError) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.trial && n.refusal == nil:
		n.refusal = r
	case !n.trial && !n.reported[r.Reason]:
		n.reported[r.Reason] = true
		n.log.Error("bind of the app not moved", zap.Error(r))
	}
}

// trialRefusal returns the first refusal of the trial, or nil.
func (n *notifier) trialRefusal() *RefusalError {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.refusal
}

func (n *notifier) noteMoved(p *Port, to netip.AddrPort, socket string, bound []byte) {
	p.noteMoved(to.Addr())
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names.add(socket, bound)
}

func (n *notifier) forgetSocket(socket string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.names, socket)
}

// nameOf returns what getsockname returned if the socket had not been moved.
func (n *notifier) nameOf(socket string) (sockname, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	name, ok := n.names[socket]
	return name, ok
}

func (n *notifier) isTrial() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.trial
}

// endTrial forgets the launcher's bind.
func (n *notifier) endTrial() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.trial = false
	clear(n.names)
	for _, p := range n.ports {
		p.forget()
	}
}
