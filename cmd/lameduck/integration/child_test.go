package integration

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// child is the app that lameduck exec runs in these tests. It prints a line for each event: "ready
// PID PGID", "signal NAME" and so on.
func child(args []string) int {
	f := flag.NewFlagSet("child", flag.ExitOnError)
	exit := f.Int("exit", -1, "end at once with this exit code")
	die := f.String("die", "", "end at once by this signal")
	on := f.String("on", "", "SIGNAL=CODE, comma-separated: end with this exit code on this signal")
	cat := f.Bool("cat", false, "copy standard input to standard output and to standard error")
	orphan := f.Bool("orphan", false, "leave a process behind")
	listen := f.String("listen", "", "answer HTTP requests at this address")
	deny := f.String("deny", "", "run a command that must not make a system call: seccomp, or prctl of no_new_privs")
	_ = f.Parse(args)
	signals := make(chan os.Signal, 64)
	signal.Notify(signals)
	switch {
	case *exit >= 0:
		return *exit
	case *die != "":
		return dieBy(unix.SignalNum(*die))
	case *deny != "":
		return runWithout(*deny, f.Args())
	case *cat:
		return copyInput()
	case *orphan:
		leaveOrphan()
	case *listen != "":
		ln, err := net.Listen("tcp", *listen)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		go func() {
			_ = http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, "hello")
			}))
		}()
	}
	fmt.Println("ready", os.Getpid(), syscall.Getpgrp())
	return untilEnded(signals, parseEnds(*on))
}

// untilEnded prints every signal until one ends the child.
func untilEnded(signals <-chan os.Signal, ends map[string]int) int {
	for s := range signals {
		if s == syscall.SIGURG || s == syscall.SIGCHLD {
			continue // the Go runtime's own, and the end of a child
		}
		name := signalName(s.(syscall.Signal))
		fmt.Println("signal", name)
		if code, ok := ends[name]; ok {
			return code
		}
	}
	return exitFailure
}

func signalName(s syscall.Signal) string {
	if name := unix.SignalName(s); name != "" {
		return name
	}
	return strconv.Itoa(int(s))
}

func parseEnds(list string) map[string]int {
	ends := make(map[string]int)
	for _, member := range strings.Split(list, ",") {
		name, code, _ := strings.Cut(member, "=")
		ends[name], _ = strconv.Atoi(code)
	}
	return ends
}

func dieBy(s syscall.Signal) int {
	signal.Reset()
	_ = syscall.Kill(os.Getpid(), s)
	select {}
}

// runWithout turns this process into a command that gets EPERM from a system call, as from the
// seccomp profile of a container.
func runWithout(call string, command []string) int {
	number, argument := uint32(unix.SYS_SECCOMP), uint32(unix.SECCOMP_SET_MODE_FILTER)
	if call == "prctl" {
		number, argument = unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS
	}
	raw, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 0, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: number, SkipFalse: 3},
		bpf.LoadAbsolute{Off: 16, Size: 4}, // the first argument
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: argument, SkipFalse: 1},
		bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW},
	})
	if err != nil {
		return exitUsage
	}
	var code []unix.SockFilter
	for _, in := range raw {
		code = append(code, unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K})
	}
	program := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	runtime.LockOSThread()
	_ = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	err = unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
	if err == nil {
		err = syscall.Exec(command[0], command, os.Environ())
	}
	fmt.Println(err)
	return exitUsage
}

func copyInput() int {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		fmt.Println(in.Text())
		fmt.Fprintln(os.Stderr, "err:", in.Text())
	}
	return exitOK
}

// leaveOrphan starts a process and ends its parent at once.
func leaveOrphan() {
	out, err := exec.Command("sh", "-c", "sleep 600 >/dev/null 2>&1 & echo $!").Output()
	fmt.Printf("orphan %s", out)
	if err != nil {
		fmt.Println("error", err)
	}
}
