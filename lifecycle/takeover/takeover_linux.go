package takeover

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// A Takeover starts the app, and moves what it binds for as long as it lives.
type Takeover struct {
	ports    []*Port
	log      *zap.Logger
	names    bool      // getsockname returns the original address of a moved listener
	others   others    // ports of the app that stay
	notifier *notifier // nil before Spawn
}

// New returns a Takeover of the ports, of which there must be at least one.
func New(ports []*Port, log *zap.Logger) *Takeover { return &Takeover{ports: ports, log: log} }

// launchTimeout bounds the time until the launcher has become the app.
const launchTimeout = time.Minute

// Spawn starts a program, as syscall.ForkExec does, and returns after its exec. The error is a
// [RefusalError] if its binds cannot be moved; then the program has not been executed. It may be called
// once, by a thread that lives as long as the program.
func (t *Takeover) Spawn(path string, argv []string, attr *syscall.ProcAttr) (pid int, err error) {
	if err := checkPlatform(); err != nil {
		return 0, err
	}
	if err := checkProgram(path); err != nil {
		return 0, err
	}
	conn, theirs, err := socketPair()
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	pid, err = t.startLauncher(path, argv, attr, theirs)
	_ = theirs.Close()
	if err != nil {
		return 0, fmt.Errorf("start the launcher of the app: %w", err)
	}
	_ = conn.SetDeadline(time.Now().Add(launchTimeout))
	if err := t.awaitExec(conn); err != nil {
		t.Close()
		_ = syscall.Kill(pid, syscall.SIGKILL)
		for _, err := syscall.Wait4(pid, nil, 0, nil); err == syscall.EINTR; {
			_, err = syscall.Wait4(pid, nil, 0, nil)
		}
		return 0, err
	}
	return pid, nil
}

// startLauncher starts this program as the launcher.
func (t *Takeover) startLauncher(path string, argv []string, attr *syscall.ProcAttr, theirs *os.File) (int, error) {
	a := *attr
	a.Files = inheritedUpTo(int(theirs.Fd()), a.Files)
	var deathSignal syscall.Signal
	if a.Sys != nil {
		deathSignal = a.Sys.Pdeathsig
	}
	t.names = asksForNames(path, argv)
	args := append([]string{
		os.Args[0], launcherCommand, strconv.Itoa(len(a.Files) - 1), strconv.Itoa(int(deathSignal)),
		t.ports[0].sample().String(), strconv.FormatBool(t.names),
		strconv.FormatBool(signal.Ignored(syscall.SIGPIPE)), path,
	}, argv...)
	return syscall.ForkExec("/proc/self/exe", args, &a)
}

// inheritedUpTo returns the descriptors of a child that gets some, those that this process has inherited
// for its children, and last. Each keeps its number, as without takeover.
func inheritedUpTo(last int, given []uintptr) []uintptr {
	files := given[:len(given):len(given)]
	for fd := len(given); fd < last; fd++ {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err == nil && flags&unix.FD_CLOEXEC == 0 {
			files = append(files, uintptr(fd))
		} else {
			files = append(files, ^uintptr(0)) // none
		}
	}
	return append(files, uintptr(last))
}

// sample returns an address whose bind is moved.
func (p *Port) sample() netip.AddrPort {
	if a := p.route.Addr(); !a.IsUnspecified() {
		return p.route
	}
	return netip.AddrPortFrom(netip.IPv4Unspecified(), p.route.Port())
}

// awaitExec starts the notifier and waits until the launcher has become the app.
func (t *Takeover) awaitExec(conn *net.UnixConn) error {
	m, fd, err := receive(conn)
	if err == nil && m.Step != "" {
		return diagnose(m.Step, m.Errno)
	}
	if err != nil || fd < 0 {
		return errors.Join(errors.New("the launcher of the app has ended early"), err)
	}
	if t.notifier, err = newNotifier(fd, t.ports, &t.others, t.log); err != nil {
		return err
	}
	go t.notifier.run()
	m, _, err = receive(conn)
	switch refusal := t.notifier.trialRefusal(); {
	case refusal != nil:
		return refusal
	case err != nil:
		return errors.Join(errors.New("the launcher of the app has ended early"), err)
	case m.Step != "":
		return diagnose(m.Step, m.Errno)
	}
	t.notifier.endTrial()
	if m, _, err = receive(conn); err == nil {
		return m.Errno // of exec
	}
	return nil // closed by exec
}

// Close ends the notifications. Remaining processes can no longer bind.
func (t *Takeover) Close() {
	if t.notifier != nil {
		t.notifier.close()
	}
}

// socketPair returns a connection to the launcher, and the launcher's end.
func socketPair() (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "launcher"), os.NewFile(uintptr(fds[1]), "launcher")
	defer ours.Close()
	c, err := net.FileConn(ours)
	if err != nil {
		_ = theirs.Close()
		return nil, nil, err
	}
	return c.(*net.UnixConn), theirs, nil
}
