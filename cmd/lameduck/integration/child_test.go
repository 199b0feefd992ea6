package integration

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

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
	_ = f.Parse(args)
	signals := make(chan os.Signal, 64)
	signal.Notify(signals)
	switch {
	case *exit >= 0:
		return *exit
	case *die != "":
		return dieBy(unix.SignalNum(*die))
	case *cat:
		return copyInput()
	case *orphan:
		leaveOrphan()
	case *listen != "":
		go func() {
			_ = http.ListenAndServe(*listen, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
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
