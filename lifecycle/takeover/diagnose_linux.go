package takeover

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// A step is a part of takeover that the kernel, a seccomp profile or a security module may refuse.
type step string

const (
	stepNoNewPrivs step = "no_new_privs" // prctl
	stepFilter     step = "filter"       // seccomp
	stepOpen       step = "open"         // the memory of the child
	stepSocket     step = "socket"       // the protocol of the child's socket
	stepNamespace  step = "namespace"    // the network namespace of the child
	stepWrite      step = "write"        // the memory of the child
	stepContinue   step = "continue"     // the child's system call
	stepBind       step = "bind"         // of the launcher
)

// diagnose returns why a step is refused.
func diagnose(at step, err error) *RefusalError {
	r := &RefusalError{Err: err}
	switch at {
	case stepNoNewPrivs:
		r.Reason = "the process cannot set no_new_privs"
		r.Remedy = "allow prctl(PR_SET_NO_NEW_PRIVS) in the seccomp profile"
	case stepFilter:
		r.Reason, r.Remedy = diagnoseFilter(err)
	case stepContinue:
		r.Reason = "the kernel cannot let a notified system call continue"
		r.Remedy = "use Linux 5.5 or later"
	case stepWrite:
		r.Reason = "the kernel refuses to write the child's socket address"
		r.Remedy = "start the kernel without proc_mem.force_override=never if the address is a constant of the program"
	case stepBind:
		r.Reason = "a bind of the port by the child is not moved"
		r.Remedy = "use the seccomp profile RuntimeDefault, or none"
	default:
		r.Reason, r.Remedy = diagnoseAccess(err, yamaScope())
	}
	return r
}

// diagnoseFilter returns why the kernel refuses the filter.
func diagnoseFilter(err error) (reason, remedy string) {
	switch {
	case errors.Is(err, unix.EBUSY):
		return "another program is notified of the system calls of this process already, " +
				"for example an outer lameduck or the container runtime Sysbox",
			"run it without that"
	case errors.Is(err, unix.EINVAL):
		return "the kernel has no seccomp user notification", "use Linux 5.5 or later"
	}
	return "the seccomp profile or the kernel refuses seccomp filters",
		"use the seccomp profile RuntimeDefault, or none"
}

// diagnoseAccess returns why a process of the child cannot be accessed.
func diagnoseAccess(err error, yama string) (reason, remedy string) {
	switch {
	case errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE):
		return "no file descriptor is left", "raise the limit of open files (ulimit -n)"
	case errors.Is(err, fs.ErrNotExist):
		return "the child is not visible in /proc",
			"mount /proc of the same PID namespace without hidepid"
	case yama == "2" || yama == "3":
		return "kernel.yama.ptrace_scope is " + yama + ", so that a parent may not access its child's memory",
			"set kernel.yama.ptrace_scope to 0 or 1 on the host" + alternative(yama)
	}
	return "a process of the child may not be accessed, because it has changed its user or is not dumpable",
		"start the container as the app's user (runAsUser, or USER in the Dockerfile) instead of changing " +
			"it in the app, or add the capability SYS_PTRACE"
}

// alternative returns the other remedy, if there is one: scope 3 excludes privileged processes too.
func alternative(yama string) string {
	if yama == "2" {
		return ", add the capability SYS_PTRACE"
	}
	return ""
}

// yamaScope returns kernel.yama.ptrace_scope, or an empty string if the kernel lacks Yama.
func yamaScope() string {
	text, _ := os.ReadFile("/proc/sys/kernel/yama/ptrace_scope")
	return strings.TrimSpace(string(text))
}

// checkPlatform returns a RefusalError if this architecture or kernel is not supported.
func checkPlatform() error {
	if _, ok := auditArch(); !ok {
		return &RefusalError{Reason: "it has not been built for this processor", Remedy: "use amd64 or arm64"}
	}
	if _, err := os.Stat("/proc/self/exe"); err != nil {
		return &RefusalError{Reason: "/proc is not mounted", Remedy: "mount it", Err: err}
	}
	if text, err := os.ReadFile("/proc/sys/kernel/seccomp/actions_avail"); err == nil &&
		!strings.Contains(string(text), "user_notif") {
		return diagnose(stepFilter, unix.EINVAL)
	}
	return nil
}

// checkProgram returns a RefusalError if the program, or the interpreter of a script, would lose rights by
// no_new_privs, or could not be accessed.
func checkProgram(path string) error {
	const scripts = 4 // the kernel follows that many interpreters
	for range scripts {
		if err := checkFile(path); err != nil {
			return err
		}
		if path = interpreter(path); path == "" {
			break
		}
	}
	return nil
}

func checkFile(path string) error {
	if unix.Access(path, unix.X_OK) != nil {
		return nil //nolint:nilerr // exec reports it
	}
	if err := unix.Faccessat(unix.AT_FDCWD, path, unix.R_OK, unix.AT_EACCESS); err != nil {
		return &RefusalError{
			Reason: path + " may be executed but not read, so that the process is not dumpable",
			Remedy: "make it readable (chmod a+r)", Err: err,
		}
	}
	if what := lostRights(path); what != "" {
		return &RefusalError{
			Reason: fmt.Sprintf("%s has %s, which no_new_privs takes away", path, what),
			Remedy: "remove that from the file and grant the rights to the container or service",
		}
	}
	return nil
}

// interpreter returns the interpreter of a script, or an empty string if the file is not a script.
func interpreter(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	head := make([]byte, 256) // of which the kernel reads as much
	n, _ := f.Read(head)
	line, ok := strings.CutPrefix(string(head[:n]), "#!")
	if !ok {
		return ""
	}
	line, _, _ = strings.Cut(line, "\n")
	words := strings.Fields(line)
	if len(words) == 0 {
		return ""
	}
	return words[0]
}
