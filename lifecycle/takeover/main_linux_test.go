package takeover

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// TestMain makes the test binary serve as the launcher and the child of the tests too.
func TestMain(m *testing.M) {
	switch {
	case IsLauncher(os.Args):
		os.Exit(Launch(os.Args))
	case len(os.Args) > 1 && os.Args[1] == "child":
		os.Exit(child(os.Args[2:]))
	}
	goleak.VerifyTestMain(m)
}

// child executes a script: one word for each step, such as "bind:tcp4:0.0.0.0:8080" or "listen". It
// prints the result of each step, and then waits for the end of its input.
func child(script []string) int {
	s := childSocket{fd: -1}
	for _, word := range script {
		verb, rest, _ := strings.Cut(word, ":")
		switch verb {
		case "socket": // of a kind: tcp4, tcp6, only6, mptcp, udp4, each with + for SO_REUSEPORT
			s.open(rest)
		case "bind": // to [host:]port
			s.bind(rest)
		case "listen":
			fmt.Println("listen", errorName(unix.Listen(s.fd, 10)))
		case "spin": // makes this number of system calls that the filter allows
			n, _ := strconv.Atoi(rest)
			runtime.LockOSThread()
			start := threadTime()
			for range n {
				_, _, _ = unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
			}
			fmt.Println("spin", float64(threadTime()-start)/float64(n))
		case "name":
			fmt.Println("name", s.name())
		case "many": // binds this number of new sockets to a port
			fmt.Println("many", s.many(rest))
		case "keep4": // binds a port with an address of its own, which it prints after each call
			s.keep(rest)
		case "wait":
			_, _ = os.Stdin.Read(make([]byte, 1))
		}
	}
	fmt.Println("end")
	_, _ = os.Stdin.Read(make([]byte, 1))
	return 7
}

// threadTime returns the CPU time of this thread in nanoseconds.
func threadTime() int64 {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_THREAD, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}

type childSocket struct {
	fd     int
	family int
}

func (s *childSocket) open(kind string) {
	kind, reuse := strings.CutSuffix(kind, "+")
	family, style, protocol := unix.AF_INET, unix.SOCK_STREAM, 0
	switch kind {
	case "tcp6", "only6":
		family = unix.AF_INET6
	case "udp4":
		style = unix.SOCK_DGRAM
	case "mptcp":
		protocol = unix.IPPROTO_MPTCP
	}
	s.family = family
	s.fd, _ = unix.Socket(family, style, protocol)
	if kind == "only6" {
		_ = unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
	}
	if reuse {
		_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	}
}

// bind binds to a port of any address, and prints the result and the address of the socket.
func (s *childSocket) bind(port string) {
	n, _ := strconv.Atoi(port)
	var err error
	if s.family == unix.AF_INET6 {
		err = unix.Bind(s.fd, &unix.SockaddrInet6{Port: n})
	} else {
		err = unix.Bind(s.fd, &unix.SockaddrInet4{Port: n})
	}
	fmt.Println("bind", errorName(err), s.name())
}

func (s *childSocket) name() string {
	a, err := unix.Getsockname(s.fd)
	switch a := a.(type) {
	case *unix.SockaddrInet4:
		return fmt.Sprintf("%d.%d.%d.%d:%d", a.Addr[0], a.Addr[1], a.Addr[2], a.Addr[3], a.Port)
	case *unix.SockaddrInet6:
		return fmt.Sprintf("[%x]:%d", a.Addr[15], a.Port)
	}
	return errorName(err)
}

// keep binds with an address that stays at the same place in memory.
func (s *childSocket) keep(port string) {
	n, _ := strconv.Atoi(port)
	address := sockaddr(familyIPv4, netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(n)), sizeIPv4)
	show := func(after string) {
		a, _ := parseSockaddr(address)
		fmt.Println(after, a)
	}
	call := func(number, argument, size uintptr) {
		_, _, _ = unix.Syscall(number, uintptr(s.fd), argument, size)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s.open("tcp4+")
	call(unix.SYS_BIND, uintptr(unsafe.Pointer(&address[0])), sizeIPv4)
	show("after bind")
	call(unix.SYS_LISTEN, 10, 0)
	show("after listen")
	s.open("tcp4+")
	call(unix.SYS_BIND, uintptr(unsafe.Pointer(&address[0])), sizeIPv4)
	copy(address, sockaddr(familyIPv4, netip.MustParseAddrPort("1.2.3.4:1"), sizeIPv4))
	call(unix.SYS_LISTEN, 10, 0)
	show("other memory")
}

// many binds a port again and again, and returns how often the socket was moved.
func (s *childSocket) many(args string) (moved int) {
	port, times, _ := strings.Cut(args, ":")
	n, _ := strconv.Atoi(times)
	for range n {
		s.open("tcp4")
		at, _ := strconv.Atoi(port)
		if err := unix.Bind(s.fd, &unix.SockaddrInet4{Port: at}); err == nil && s.name() != "0.0.0.0:"+port {
			moved++
		}
		_ = unix.Close(s.fd)
	}
	return moved
}

func errorName(err error) string {
	if err == nil {
		return "ok"
	}
	if errno, ok := err.(unix.Errno); ok {
		return unix.ErrnoName(errno)
	}
	return err.Error()
}
