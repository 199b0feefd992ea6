package integration

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// confine runs a command like a container with fewer rights: with a seccomp profile that
// refuses netlink sockets, and without the tables of /proc/net.
func confine(args []string) int {
	f := flag.NewFlagSet("confine", flag.ExitOnError)
	hide := f.Bool("hide", false, "hide /proc/net")
	_ = f.Parse(args)
	runtime.LockOSThread() // exec keeps the restrictions of this thread
	var errs []error
	if *hide {
		errs = append(errs, hideTables())
	}
	errs = append(errs, refuseNetlink())
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintln(os.Stderr, "confine:", err)
		return exitFailure
	}
	fmt.Fprintln(os.Stderr, "confine:", syscall.Exec(f.Arg(0), f.Args(), os.Environ()))
	return exitFailure
}

// hideTables covers the process's own /proc/net with an empty file system.
func hideTables() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	tables := fmt.Sprintf("/proc/%d/net", os.Getpid())
	if err := unix.Mount("tmpfs", tables, "tmpfs", 0, ""); err != nil {
		return fmt.Errorf("mount at %s: %w", tables, err)
	}
	return nil
}

// The offsets in struct seccomp_data of the system call and its first argument.
const (
	dataNumber = 0
	dataFirst  = 16
)

// refuseNetlink makes socket(AF_NETLINK, ...) fail with EPERM.
func refuseNetlink() error {
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	skipUnless := func(k uint32, n uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: n, K: k}
	}
	result := func(k uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k}
	}
	program := []unix.SockFilter{
		load(dataNumber), skipUnless(unix.SYS_SOCKET, 3),
		load(dataFirst), skipUnless(unix.AF_NETLINK, 1),
		result(unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)),
		result(unix.SECCOMP_RET_ALLOW),
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&filter)), 0, 0)
	if err != nil {
		return fmt.Errorf("seccomp: %w", err)
	}
	return nil
}
