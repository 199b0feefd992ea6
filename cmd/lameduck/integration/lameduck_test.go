package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A lameduck is a process of the program with its addresses.
type lameduck struct {
	*program
	front, admin, control string
	terminationLog        string
}

// prepare chooses the addresses of a lameduck before an app, and returns the environment for them.
// The hold is short.
func prepare(t *testing.T, app string, env ...string) (*lameduck, []string) {
	t.Helper()
	d := &lameduck{
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
func startServe(t *testing.T, app string, env ...string) *lameduck {
	t.Helper()
	return startLameduck(t, app, env, "serve")
}

// startExec starts lameduck with a command as its child. app is the address at which the child
// listens, if it does.
func startExec(t *testing.T, app string, env []string, command ...string) *lameduck {
	t.Helper()
	return startLameduck(t, app, env, append([]string{"exec", "--"}, command...)...)
}

func startLameduck(t *testing.T, app string, env []string, args ...string) *lameduck {
	t.Helper()
	d, env := prepare(t, app, env...)
	d.program = start(t, env, programPath("lameduck"), args...)
	d.logged(t, "serving")
	return d
}

// drain runs lameduck drain for this lameduck and returns its output.
func (d *lameduck) drain(t *testing.T, args ...string) string {
	t.Helper()
	env := []string{"LAMEDUCK_CONTROL=" + d.control}
	p := start(t, env, programPath("lameduck"), append([]string{"drain"}, args...)...)
	p.wantExit(t, exitOK)
	return p.stdout.String()
}

// suspend stops the process until it gets SIGCONT.
func (d *lameduck) suspend(t *testing.T) {
	t.Helper()
	d.signal(t, syscall.SIGSTOP)
	eventually(t, "lameduck is stopped", func() bool { p, _ := findProcess(d.pid()); return p.state == "T" })
}

// beginDrain begins a drain without running lameduck drain.
func (d *lameduck) beginDrain(t *testing.T) {
	t.Helper()
	if a, err := request(http.MethodPost, "http://"+d.control+"/drain", ""); err != nil || a.status != http.StatusOK {
		t.Fatalf("POST /drain: status %d, %v", a.status, err)
	}
}

func (d *lameduck) get(t *testing.T, path string) answer {
	t.Helper()
	return get(t, "http://"+d.front+path)
}

// ready returns the status of /readyz.
func (d *lameduck) ready(t *testing.T) int {
	t.Helper()
	return get(t, "http://"+d.admin+"/readyz").status
}

// metric returns the value of a metric as text.
func (d *lameduck) metric(t *testing.T, name string) string {
	t.Helper()
	for l := range strings.Lines(get(t, "http://"+d.admin+"/metrics").body) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(l), name+" "); ok {
			return value
		}
	}
	t.Fatalf("no metric %s", name)
	return ""
}

// awaitMetric waits until a metric has a value.
func (d *lameduck) awaitMetric(t *testing.T, name, want string) {
	t.Helper()
	var got string
	defer func() {
		if got != want {
			t.Logf("%s was %s at last", name, got)
		}
	}()
	eventually(t, name+" is "+want, func() bool {
		got = d.metric(t, name)
		return got == want
	})
}

// exchanges returns how many exchanges have ended.
func (d *lameduck) exchanges(t *testing.T) (n int) {
	t.Helper()
	for _, code := range []string{"none", "2xx", "4xx", "5xx"} {
		v, err := strconv.Atoi(d.metric(t, `lameduck_exchanges_total{code="`+code+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		n += v
	}
	return n
}

// endedByDrain returns how many connections the drain has ended.
func (d *lameduck) endedByDrain(t *testing.T, protocol string) int {
	t.Helper()
	name := fmt.Sprintf(`lameduck_connections_total{ended_by="drain",protocol=%q}`, protocol)
	n, err := strconv.Atoi(d.metric(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// hold calls /hold, as the app's preStop hook does. The answer arrives on the channel, however late.
func (d *lameduck) hold(t *testing.T) <-chan answer {
	t.Helper()
	answered := make(chan answer, 1)
	started := make(chan struct{})
	go func() {
		close(started)
		a, err := requestWithin(10*time.Minute, http.MethodGet, "http://"+d.admin+"/hold", "")
		if err != nil {
			t.Errorf("the hook failed: %v", err)
		}
		answered <- a
	}()
	<-started
	return answered
}

// awaitHook waits until a caller waits at /hold.
func (d *lameduck) awaitHook(t *testing.T) {
	t.Helper()
	d.awaitMetric(t, "lameduck_hook_waiters", "1")
}

// A drainState is the part of GET /status and of the output of lameduck drain that these tests
// check. Without a drain, Drain is empty.
type drainState struct {
	Phase    string   `json:"phase"`
	InFlight *int     `json:"exchanges_in_flight"`
	SilentIn *float64 `json:"silent_in_seconds"`
	Hold     map[string]float64
	Drain    drainSummary
}

type drainSummary struct {
	Trigger   string
	End       string
	Seconds   float64
	Exchanges int
}

func parseState(t *testing.T, text string) (s drainState) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatalf("status %q: %v", text, err)
	}
	return s
}

func (d *lameduck) status(t *testing.T) drainState {
	t.Helper()
	return parseState(t, get(t, "http://"+d.control+"/status").body)
}

// wantTerminationLog expects parts of the termination log.
func (d *lameduck) wantTerminationLog(t *testing.T, parts ...string) {
	t.Helper()
	text, err := os.ReadFile(d.terminationLog)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range parts {
		if !strings.Contains(string(text), part) {
			t.Errorf("the termination log lacks %q: %s", part, text)
		}
	}
}

// wantQuietEnd expects that the drain ended in quiet and cut nothing.
func (d *lameduck) wantQuietEnd(t *testing.T) {
	t.Helper()
	d.wantTerminationLog(t, "(quiet; ", "cut: 0 exchanges on 0 connections")
}
