package takeover

import (
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// launcherCommand is the first argument of the launcher. It is followed by the descriptor of its
// socket, the parent-death signal, an address that is to be moved, whether getsockname is notified,
// whether SIGPIPE is ignored, and the path and the arguments of the app.
const launcherCommand = "takeover-launcher"

const launcherArgs = 6 // between the command and the app's arguments

// A message goes from the launcher to its parent. An empty Step means that all is well.
type message struct {
	Step  step
	Errno syscall.Errno
}

// stepExec is the last step of the launcher. Its error is that of a command that cannot be run.
const stepExec step = "exec"

// IsLauncher reports whether a process with these arguments is to call Launch.
func IsLauncher(args []string) bool { return len(args) > 1 && args[1] == launcherCommand }

// Launch turns this process into the app. If that fails, it reports the error to the parent and
// returns the exit code.
func Launch(args []string) int {
	const exitCannotRun = 126
	if len(args) <= 2+launcherArgs {
		return exitCannotRun
	}
	fd, _ := strconv.Atoi(args[2])
	deathSignal, _ := strconv.Atoi(args[3])
	to, _ := netip.ParseAddrPort(args[4])
	socket := launcherSocket(fd)
	runtime.LockOSThread() // the filter and the signal belong to the thread, and exec keeps them
	if args[6] == "true" {
		signal.Ignore(syscall.SIGPIPE) // Go's runtime has undone that, unlike SIGHUP and SIGINT
	}
	at, err := prepare(socket, deathSignal, to, args[5] == "true")
	if err == nil {
		if socket.send(message{}, -1) != nil {
			return exitCannotRun
		}
		at, err = stepExec, syscall.Exec(args[7], args[8:], os.Environ())
	}
	var errno syscall.Errno
	errors.As(err, &errno)
	_ = socket.send(message{at, errno}, -1)
	return exitCannotRun
}

// prepare sets up everything that moving a bind requires, and tests it.
func prepare(socket launcherSocket, deathSignal int, to netip.AddrPort, names bool) (step, error) {
	unix.CloseOnExec(int(socket))
	_ = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(deathSignal), 0, 0, 0)
	// An executable that cannot be read makes the process inaccessible. The app decides for itself.
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return stepNoNewPrivs, err
	}
	notifications, err := installFilter(names)
	if err != nil {
		return stepFilter, err
	}
	err = socket.send(message{}, notifications)
	_ = unix.Close(notifications)
	if err != nil {
		return stepFilter, err
	}
	return stepBind, tryBind(to)
}

// tryBind binds a taken-over port, and expects it to be moved.
func tryBind(to netip.AddrPort) error {
	family, address := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()})
	if to.Addr().Is4() {
		family, address = unix.AF_INET, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}
	}
	s, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(s) }()
	if err := unix.Bind(s, address); err != nil {
		return err
	}
	bound, err := unix.Getsockname(s)
	if err != nil {
		return err
	}
	switch a := bound.(type) {
	case *unix.SockaddrInet4:
		if a.Port != int(to.Port()) {
			return nil
		}
	case *unix.SockaddrInet6:
		if a.Port != int(to.Port()) {
			return nil
		}
	}
	return unix.EADDRINUSE
}

// A launcherSocket is the launcher's end of the connection to its parent.
type launcherSocket int

// send sends a message, with a descriptor if that is not negative.
func (s launcherSocket) send(m message, fd int) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	return unix.Sendmsg(int(s), text, rights, nil, unix.MSG_NOSIGNAL)
}

// receive receives a message of the launcher, and the descriptor that comes with it, or -1.
func receive(c *net.UnixConn) (m message, fd int, err error) {
	text, rights := make([]byte, 512), make([]byte, unix.CmsgSpace(4))
	n, nr, _, _, err := c.ReadMsgUnix(text, rights)
	if err != nil {
		return m, -1, err
	}
	fd = -1
	if messages, err := unix.ParseSocketControlMessage(rights[:nr]); err == nil && len(messages) == 1 {
		if fds, err := unix.ParseUnixRights(&messages[0]); err == nil && len(fds) == 1 {
			fd = fds[0]
		}
	}
	if n == 0 {
		return m, fd, net.ErrClosed // the other end is closed
	}
	return m, fd, json.Unmarshal(text[:n], &m)
}
