package integration

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The exit codes of lameduck itself, which scripts depend on.
const (
	exitOK       = 0
	exitFailure  = 1
	exitUsage    = 2
	exitNotFound = 127
)

// patience is how long anything that must come may take. Only a failure takes that long, so a run that
// expects failures sets TEST_PATIENCE.
var patience = func() time.Duration {
	if d, err := time.ParseDuration(os.Getenv("TEST_PATIENCE")); err == nil {
		return d
	}
	return time.Minute
}()

// A program is a process that a test has started.
type program struct {
	cmd            *exec.Cmd
	stdout, stderr *transcript
	ended          chan struct{} // closed when it has exited
}

// start starts a command with an environment that has nothing of ours but env. What still runs when the test ends is killed.
func start(t *testing.T, env []string, path string, args ...string) *program {
	t.Helper()
	return startCommand(t, newCommand(env, path, args...))
}

func newCommand(env []string, path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + os.Getenv("HOME"),
		"GORACE=atexit_sleep_ms=0", // the race detector makes every process end a second later otherwise
	}, env...)
	cmd.WaitDelay = time.Second // for the output that an orphan has inherited
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
		_ = cmd.Wait() // the exit code says it all
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
		t.Logf("%v has ended (%v) and has said:\n%s%s", p.cmd.Args, p.cmd.ProcessState, p.stdout, report)
	}
}

func (p *program) pid() int { return p.cmd.Process.Pid }

func (p *program) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatalf("send %v: %v", s, err)
	}
}

// wait returns the exit code when the process has ended; -1 if a signal has killed it.
func (p *program) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
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

// logged waits until lameduck has logged a message, and returns its fields.
func (p *program) logged(t *testing.T, message string) map[string]any {
	t.Helper()
	line := p.stderr.await(t, `"msg":"`+message+`"`, func(l string) bool { return fields(l)["msg"] == message })
	return fields(line.text)
}

// fields are those of a line of the log; none if the line is something else.
func fields(line string) map[string]any {
	var f map[string]any
	_ = json.Unmarshal([]byte(line), &f)
	return f
}

// duration is a field of the log.
func duration(t *testing.T, f map[string]any, name string) time.Duration {
	t.Helper()
	s, _ := f[name].(string)
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatalf("field %q of %v: %v", name, f, err)
	}
	return d
}

// eventually waits for a condition that nothing tells of.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	timeout := time.After(patience)
	for !ok() {
		select {
		case <-ticker.C:
		case <-timeout:
			t.Fatalf("still not: %s", what)
		}
	}
}

// The ports of the tests are below those that the kernel gives to connections, so that none is taken between its choice and
// its use.
const (
	lowestPort = 10000
	ports      = 8000
)

var usedPorts sync.Map // those that have been chosen

// freePort returns a port at which nobody listens.
func freePort(t *testing.T) string {
	t.Helper()
	for range ports {
		port := strconv.Itoa(lowestPort + rand.IntN(ports))
		if _, used := usedPorts.LoadOrStore(port, true); used {
			continue
		}
		if ln, err := net.Listen("tcp", ":"+port); err == nil {
			_ = ln.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return ""
}

// freeAddress returns an address of the loopback interface at which nobody listens.
func freeAddress(t *testing.T) string { return "127.0.0.1:" + freePort(t) }

// A duck is a lameduck with its addresses.
type duck struct {
	*program
	front, admin, control string
	terminationLog        string
}

// prepare chooses the addresses of a lameduck before an app, and the environment that says so. Its hold is short.
func prepare(t *testing.T, app string, env ...string) (*duck, []string) {
	t.Helper()
	d := &duck{
		front: freeAddress(t), admin: freeAddress(t), control: freeAddress(t),
		terminationLog: filepath.Join(t.TempDir(), "termination-log"),
	}
	return d, append([]string{
		"LAMEDUCK_ROUTES=" + d.front + "=" + app,
		"LAMEDUCK_ADMIN=" + d.admin,
		"LAMEDUCK_CONTROL=" + d.control,
		"LAMEDUCK_TERMINATION_LOG=" + d.terminationLog,
		"LAMEDUCK_HOLD_MIN=300ms",
		"LAMEDUCK_HOLD_QUIET=300ms",
		"LAMEDUCK_HOOK_WINDOW=20s",
	}, env...)
}

// startServe starts lameduck beside an app.
func startServe(t *testing.T, app string, env ...string) *duck {
	t.Helper()
	return startDuck(t, app, env, "serve")
}

// startExec starts lameduck with a command as its child. The app is the address at which the child listens, if it does.
func startExec(t *testing.T, app string, env []string, command ...string) *duck {
	t.Helper()
	return startDuck(t, app, env, append([]string{"exec", "--"}, command...)...)
}

func startDuck(t *testing.T, app string, env []string, args ...string) *duck {
	t.Helper()
	d, env := prepare(t, app, env...)
	d.program = start(t, env, programPath("lameduck"), args...)
	d.logged(t, "serving")
	return d
}

// programPath is one of the programs that this binary is.
func programPath(name string) string { return filepath.Join(programs, name) }

// drain runs lameduck drain for this one and returns what it has written.
func (d *duck) drain(t *testing.T, args ...string) string {
	t.Helper()
	p := start(t, []string{"LAMEDUCK_CONTROL=" + d.control}, programPath("lameduck"), append([]string{"drain"}, args...)...)
	p.wantExit(t, exitOK)
	return p.stdout.String()
}

// beginDrain does the same without a process of its own.
func (d *duck) beginDrain(t *testing.T) {
	t.Helper()
	if a, err := request(http.MethodPost, "http://"+d.control+"/drain", ""); err != nil || a.status != http.StatusOK {
		t.Fatalf("POST /drain is answered %d, %v", a.status, err)
	}
}

// An answer is a response that has been read.
type answer struct {
	status int
	header http.Header
	body   string
	closes bool // it has the close option
}

// get sends a GET request on a new connection.
func get(t *testing.T, url string) answer {
	t.Helper()
	a, err := request(http.MethodGet, url, "")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func request(method, url, body string) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(b), resp.Close}, err
}

func (d *duck) get(t *testing.T, path string) answer {
	t.Helper()
	return get(t, "http://"+d.front+path)
}

// ready returns the status of /readyz.
func (d *duck) ready(t *testing.T) int {
	t.Helper()
	return get(t, "http://"+d.admin+"/readyz").status
}

// metric returns the value of a metric, as it is written.
func (d *duck) metric(t *testing.T, name string) string {
	t.Helper()
	for l := range strings.Lines(get(t, "http://"+d.admin+"/metrics").body) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(l), name+" "); ok {
			return value
		}
	}
	t.Fatalf("no metric %s", name)
	return ""
}

// hold calls /hold, as the app's preStop hook does. The channel brings the answer.
func (d *duck) hold(t *testing.T) <-chan answer {
	t.Helper()
	answered := make(chan answer, 1)
	started := make(chan struct{})
	go func() {
		close(started)
		a, err := request(http.MethodGet, "http://"+d.admin+"/hold", "")
		if err != nil {
			t.Errorf("the hook has failed: %v", err)
		}
		answered <- a
	}()
	<-started
	return answered
}

// awaitHook waits until /hold keeps a caller waiting.
func (d *duck) awaitHook(t *testing.T) {
	t.Helper()
	eventually(t, "/hold keeps a caller waiting", func() bool { return d.metric(t, "lameduck_hook_waiters") == "1" })
}

// receive waits for a value.
func receive[T any](t *testing.T, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("still no %s", what)
	}
	return v
}

// requireProgram returns the path of the first of some programs that is there. A test that needs one is skipped where there
// is none, but not in CI.
func requireProgram(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	lack(t, "needs one of these programs: "+strings.Join(names, ", "))
	return ""
}

// lack skips a test for want of something, but not in CI.
func lack(t *testing.T, message string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(message)
	}
	t.Skip(message)
}

// refused tells whether nobody listens at an address.
func refused(address string) bool {
	c, err := net.Dial("tcp", address)
	if err == nil {
		_ = c.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}
