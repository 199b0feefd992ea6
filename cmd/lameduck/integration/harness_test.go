package integration

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lameduck/bench/port"
)

// The exit codes of lameduck itself, which scripts depend on.
const (
	exitOK       = 0
	exitFailure  = 1
	exitUsage    = 2
	exitNotFound = 127
)

// waitTimeout is the timeout of everything that a test waits for. Only failures take that long, so a
// run that expects failures sets a short TEST_WAIT_TIMEOUT.
var waitTimeout = func() time.Duration {
	if d, err := time.ParseDuration(os.Getenv("TEST_WAIT_TIMEOUT")); err == nil {
		return d
	}
	return time.Minute
}()

// A program is a process that a test has started.
type program struct {
	cmd            *exec.Cmd
	stdout, stderr *transcript
	ended          chan struct{} // closed when the process has exited
}

// start starts a command with the environment env, PATH and HOME. If it still runs when the test
// ends, it is killed.
func start(t *testing.T, env []string, path string, args ...string) *program {
	t.Helper()
	return startCommand(t, newCommand(env, path, args...))
}

func newCommand(env []string, path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + os.Getenv("HOME"),
		"GORACE=atexit_sleep_ms=0", // otherwise the race detector delays the exit of every process by a second
	}, env...)
	cmd.WaitDelay = 10 * time.Second // an orphan may have inherited the output
	return cmd
}

func startCommand(t *testing.T, cmd *exec.Cmd) *program {
	t.Helper()
	p := &program{cmd: cmd, stdout: newTranscript(), stderr: newTranscript(), ended: make(chan struct{})}
	if cmd.Stdout == nil {
		cmd.Stdout = p.stdout
	}
	if cmd.Stderr == nil {
		cmd.Stderr = p.stderr
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // wait returns the exit code
		p.stdout.end()
		p.stderr.end()
	}()
	t.Cleanup(func() { p.cleanup(t) })
	return p
}

func (p *program) cleanup(t *testing.T) {
	select {
	case <-p.ended:
	default:
		killTree(p.pid())
		<-p.ended
	}
	report := p.stderr.String()
	if strings.Contains(report, "DATA RACE") || strings.Contains(report, "panic:") {
		t.Errorf("%v reports:\n%s", p.cmd.Args, report)
	} else if t.Failed() {
		t.Logf("%v has ended (%v) and has printed:\n%s%s", p.cmd.Args, p.cmd.ProcessState, p.stdout, report)
	}
}

func (p *program) pid() int { return p.cmd.Process.Pid }

func (p *program) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatalf("send %v: %v", s, err)
	}
}

// wait waits for the end of the process and returns its exit code, or -1 if a signal has killed it.
func (p *program) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(waitTimeout):
		t.Fatalf("%v does not end", p.cmd.Args)
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *program) wantExit(t *testing.T, code int) {
	t.Helper()
	if got := p.wait(t); got != code {
		t.Errorf("%v has ended with exit code %d (%v), want %d", p.cmd.Args, got, p.cmd.ProcessState, code)
	}
}

func (p *program) wantRunning(t *testing.T, why string) {
	t.Helper()
	p.wantRunningFor(t, 0, why)
}

// wantRunningFor fails the test if the program ends within d.
func (p *program) wantRunningFor(t *testing.T, d time.Duration, why string) {
	t.Helper()
	over := time.After(d)
	select {
	case <-p.ended:
	case <-over:
		select {
		case <-p.ended:
		default:
			return
		}
	}
	t.Fatalf("%v has ended with exit code %d: %s", p.cmd.Args, p.cmd.ProcessState.ExitCode(), why)
}

// logged waits until lameduck has logged a message, and returns the fields of the line.
func (p *program) logged(t *testing.T, message string) map[string]any {
	t.Helper()
	line := p.stderr.await(t, `"msg":"`+message+`"`, func(l string) bool { return fields(l)["msg"] == message })
	return fields(line.text)
}

// fields returns the fields of a line of the log. There are none if the line is not JSON.
func fields(line string) map[string]any {
	var f map[string]any
	_ = json.Unmarshal([]byte(line), &f)
	return f
}

// duration returns a field of the log.
func duration(t *testing.T, f map[string]any, name string) time.Duration {
	t.Helper()
	s, _ := f[name].(string)
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatalf("field %q of %v: %v", name, f, err)
	}
	return d
}

// eventually polls until a condition is true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	timeout := time.After(waitTimeout)
	for !ok() {
		select {
		case <-ticker.C:
		case <-timeout:
			t.Fatalf("timeout: %s", what)
		}
	}
}

// freePort returns a port that no other test uses.
func freePort(t *testing.T) string {
	t.Helper()
	n, err := port.Next()
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(n)
}

// freeAddress returns an address of the loopback interface at which nobody listens.
func freeAddress(t *testing.T) string { return "127.0.0.1:" + freePort(t) }

// programPath returns the path of one of the programs that this binary implements (see TestMain).
func programPath(name string) string { return filepath.Join(programs, name) }

// receive waits for a value of a channel.
func receive[T any](t *testing.T, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(waitTimeout):
		t.Fatalf("timeout: no %s", what)
	}
	return v
}

// requireProgram returns the path of the first of some programs that is installed. Without any, the
// test is skipped, but not in CI.
func requireProgram(t *testing.T, names ...string) string {
	t.Helper()
	if !slices.ContainsFunc(names, func(name string) bool { return inCI()[name] }) {
		t.Errorf(".ci/run does not install any of %s", strings.Join(names, ", "))
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	lack(t, "needs one of these programs: "+strings.Join(names, ", "))
	return ""
}

// inCI is the set of programs that .ci/run installs.
var inCI = sync.OnceValue(func() map[string]bool {
	script, err := os.ReadFile("../../../.ci/run")
	if err != nil {
		panic(err)
	}
	programs := make(map[string]bool)
	for line := range strings.Lines(string(script)) {
		if words := strings.Fields(line); len(words) > 2 && words[0] == "need" {
			for _, name := range words[2:] {
				programs[name] = true
			}
		}
	}
	return programs
})

// lack skips a test that lacks something. In CI it fails the test.
func lack(t *testing.T, message string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(message)
	}
	t.Skip(message)
}

func (p *program) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// awaitText reads lines until one contains text.
func awaitText(t *testing.T, r io.Reader, text string) {
	t.Helper()
	in := bufio.NewScanner(r)
	for in.Scan() {
		if strings.Contains(in.Text(), text) {
			return
		}
	}
	t.Fatalf("no %s before the end", text)
}

func writeFile(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "command")
	writeProgram(t, path, []byte(text), mode)
	return path
}

// writeProgram writes a file that can be executed at once. A child that is forked in the meantime
// would inherit the descriptor until it executes its own program, and a file that is open for writing
// cannot be executed (ETXTBSY).
func writeProgram(t *testing.T, path string, text []byte, mode os.FileMode) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, text, mode); err != nil {
		t.Fatal(err)
	}
}

// logTime returns the time of a line of the log.
func logTime(t *testing.T, f map[string]any) time.Time {
	t.Helper()
	s, _ := f["ts"].(string)
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// awaitListener waits until a program listens at an address, and returns the address.
func awaitListener(t *testing.T, address string) string {
	t.Helper()
	eventually(t, "a program listens at "+address, func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return address
}
