package takeover

import (
	"runtime"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// auditArch returns the kernel's number of this architecture. It reports false if takeover has not
// been built for it.
func auditArch() (arch uint32, ok bool) {
	switch runtime.GOARCH {
	case "amd64":
		return unix.AUDIT_ARCH_X86_64, true
	case "arm64":
		return unix.AUDIT_ARCH_AARCH64, true
	}
	return 0, false
}

// The offsets in struct seccomp_data.
const (
	offsetNumber = 0
	offsetArch   = 4
)

// filter returns a filter that notifies of bind and listen, and of getsockname if names is set, and
// allows everything else. It tests only the number and the architecture, so that the kernel can keep
// the system calls that are always allowed in a bitmap. Programs of another architecture are allowed
// everything. So are those of x32, whose numbers have another bit set.
func filter(arch uint32, names bool) []bpf.Instruction {
	last := uint32(unix.SYS_LISTEN)
	if names {
		last = unix.SYS_GETSOCKNAME
	}
	return []bpf.Instruction{
		bpf.LoadAbsolute{Off: offsetArch, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: arch, SkipTrue: 4},
		bpf.LoadAbsolute{Off: offsetNumber, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.SYS_BIND, SkipTrue: 3},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.SYS_LISTEN, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: last, SkipTrue: 1},
		bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW},
		bpf.RetConstant{Val: unix.SECCOMP_RET_USER_NOTIF},
	}
}

// installFilter installs the filter for the calling thread and what it becomes, and returns the
// descriptor of the notifications, which is closed on exec.
func installFilter(names bool) (fd int, err error) {
	arch, _ := auditArch()
	raw, err := bpf.Assemble(filter(arch, names))
	if err != nil {
		return -1, err
	}
	code := make([]unix.SockFilter, len(raw))
	for i, in := range raw {
		code[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	program := &unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	// SPEC_ALLOW: a filter would otherwise cost every system call a mitigation on older kernels.
	const flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW
	fd, err = setFilter(flags|unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, program)
	if err == unix.EINVAL { // before Linux 5.19
		fd, err = setFilter(flags, program)
	}
	return fd, err
}

func setFilter(flags uintptr, program *unix.SockFprog) (fd int, err error) {
	r, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags,
		uintptr(unsafe.Pointer(program)))
	runtime.KeepAlive(program)
	if errno != 0 {
		return -1, errno
	}
	return int(r), nil
}
