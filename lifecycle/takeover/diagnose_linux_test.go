package takeover

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestDiagnose_NamesTheReasonAndTheRemedy(t *testing.T) {
	for _, tt := range []struct {
		err          error
		yama         string
		reason, help string
	}{
		{unix.EACCES, "2", "kernel.yama.ptrace_scope is 2", "SYS_PTRACE"},
		{unix.EACCES, "3", "kernel.yama.ptrace_scope is 3", "to 0 or 1"},
		{unix.EACCES, "1", "changed its user", "runAsUser"},
		{unix.EACCES, "", "not dumpable", "runAsUser"},
		{unix.EMFILE, "2", "no file descriptor is left", "ulimit -n"},
		{unix.ENOENT, "2", "not visible in /proc", "hidepid"},
	} {
		reason, remedy := diagnoseAccess(tt.err, tt.yama)
		if !strings.Contains(reason, tt.reason) || !strings.Contains(remedy, tt.help) {
			t.Errorf("%v with Yama %q is %q, remedy %q", tt.err, tt.yama, reason, remedy)
		}
	}
	if _, remedy := diagnoseAccess(unix.EACCES, "3"); strings.Contains(remedy, "SYS_PTRACE") {
		t.Error("SYS_PTRACE does not help with scope 3")
	}
	for _, at := range []step{
		stepNoNewPrivs, stepFilter, stepOpen, stepSocket, stepNamespace, stepWrite, stepContinue, stepBind,
	} {
		if r := diagnose(at, unix.EPERM); r.Reason == "" || r.Remedy == "" {
			t.Errorf("%s has the reason %q and the remedy %q", at, r.Reason, r.Remedy)
		}
	}
	for err, want := range map[error]string{
		unix.EINVAL: "no seccomp user notification", unix.EBUSY: "outer lameduck", unix.ENOSYS: "refuses seccomp",
	} {
		if got := diagnose(stepFilter, err).Error(); !strings.Contains(got, want) {
			t.Errorf("%v is %q, want %q in it", err, got, want)
		}
	}
}

// The kernel makes a process inaccessible if its program cannot be read.
func TestAProgramThatMayNotBeReadIsRefused(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to become another user")
	}
	dir, err := os.MkdirTemp("", "takeover")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	program, script := filepath.Join(dir, "program"), filepath.Join(dir, "script")
	for path, text := range map[string]string{program: "\x7fELF", script: "#! " + program + " -x\n"} {
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = os.Chmod(dir, 0o755), os.Chmod(program, 0o711)
	refused := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		const unchanged = ^uintptr(0)
		_, _, _ = unix.RawSyscall(unix.SYS_SETRESUID, unchanged, 65534, unchanged)
		refused <- checkProgram(program)
		refused <- checkProgram(script)
	}()
	for range 2 {
		if err := <-refused; err == nil || !strings.Contains(err.Error(), program+" may be executed but not read") {
			t.Errorf("the program was not refused: %v", err)
		}
	}
	if err := checkProgram(script); err != nil {
		t.Errorf("root may read it, but it was refused: %v", err)
	}
}

func FuzzFileCapabilities(f *testing.F) {
	f.Add([]byte{0, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{0, 0, 0, 1, 0, 4, 0, 0})
	f.Fuzz(func(t *testing.T, attribute []byte) {
		if p := fileCapabilities(attribute); p != 0 && len(attribute) < 8 {
			t.Errorf("%x has capabilities", attribute)
		}
	})
}

func TestFileCapabilities(t *testing.T) {
	const netBindService = 1 << 10
	v2 := []byte{1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}
	if got := fileCapabilities(v2); got != netBindService|1<<32 {
		t.Errorf("revision 2 has %x", got)
	}
	v1 := []byte{1, 0, 0, 1, 0, 4, 0, 0, 0, 0, 0, 0}
	if got := fileCapabilities(v1); got != netBindService {
		t.Errorf("revision 1 has %x", got)
	}
}
