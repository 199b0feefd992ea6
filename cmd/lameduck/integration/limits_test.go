package integration

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// connectionsOf256 is how many client connections lameduck serves with one route and 256 open
// files. The test of command.shareDescriptors has the same number.
const connectionsOf256 = 52

// startLimited starts lameduck with a limit of open files.
func startLimited(t *testing.T, app string, openFiles int, env ...string) *lameduck {
	t.Helper()
	d, env := prepare(t, app, env...)
	command := fmt.Sprintf("ulimit -n %d; exec %s serve", openFiles, programPath("lameduck"))
	d.program = start(t, env, "/bin/sh", "-c", command)
	d.logged(t, "serving")
	return d
}

func TestClientsCannotTakeTheDescriptorsOfTheControlPlane(t *testing.T) {
	for name, env := range map[string]string{
		"by default":               "LAMEDUCK_MAX_CONNECTIONS=0",
		"with a setting too large": "LAMEDUCK_MAX_CONNECTIONS=10000",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := startApp(t)
			d := startLimited(t, app.addr, 256, env, "LAMEDUCK_HOLD_MAX=3s")
			crowd(t, 3*connectionsOf256, d.front, "GET / HTTP/1.1\r\nHost: app\r\n\r\n")
			d.awaitMetric(t, "lameduck_connections", fmt.Sprint(connectionsOf256))
			d.wantControlPlane(t)
		})
	}
}

func TestWithTheFewestOpenFilesEverythingWorks(t *testing.T) {
	t.Parallel()
	d := startLimited(t, startApp(t).addr, 64, "LAMEDUCK_HOLD_MAX=1s")
	crowd(t, 40, d.front, "GET / HTTP/1.1\r\nHost: app\r\n\r\n")
	d.wantControlPlane(t)
}

func TestAConnectionLimitThatCannotBeReachedIsLogged(t *testing.T) {
	t.Parallel()
	d := startLimited(t, startApp(t).addr, 256, "LAMEDUCK_MAX_CONNECTIONS=10000")
	warning := d.logged(t, "LAMEDUCK_MAX_CONNECTIONS exceeds what the limit of open files allows")
	if warning["connections"] != float64(connectionsOf256) || warning["open_files"] != 256.0 {
		t.Errorf("warning %v, want %d connections of 256 open files", warning, connectionsOf256)
	}
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
}

func TestIdleConnectionsToTheAdminPortCannotTakeItsDescriptors(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startLimited(t, app.addr, 256)
	crowd(t, 1000, d.admin, "GET /livez HTTP/1.1\r\nHost: lameduck\r\n\r\n")
	crowd(t, 1000, d.admin, "GET /liv")
	crowd(t, 1000, d.admin, holdRequest)
	if a := d.get(t, "/"); a.body != "hello" {
		t.Errorf("answer %+v, want the app's", a)
	}
	d.wantRunning(t, "connections to the admin port must not end it")
	d.drain(t)
	app.die()
	d.wantExit(t, exitOK)
}

func TestWithoutADescriptorLeftTheControlPlaneWorks(t *testing.T) {
	t.Parallel()
	d := startServe(t, startApp(t).addr, "LAMEDUCK_HOLD_MAX=3s")
	d.get(t, "/")
	d.awaitMetric(t, "lameduck_connections", "0")
	d.exhaust(t, slices.Max)
	eventually(t, "accepting fails", func() bool {
		dialClient(t, d.front) // without a descriptor the connection stays in the backlog
		return strings.Contains(d.stderr.String(), `"accept failed"`)
	})
	f := d.logged(t, "accept failed")
	if text, _ := f["error"].(string); !strings.Contains(text, "too many open files") {
		t.Errorf("failure %v, want too many open files", f)
	}
	d.wantControlPlane(t)
	if n := strings.Count(d.stderr.String(), `"accept failed"`); n > 60 {
		t.Errorf("%d lines about failed accepts, want one a second", n)
	}
}

func TestDescriptorsAreClosed(t *testing.T) {
	t.Parallel()
	d := startServe(t, startApp(t).addr)
	d.get(t, "/")
	d.awaitMetric(t, "lameduck_connections", "0")
	before := len(descriptors(t, d.pid()))
	for range 100 {
		d.get(t, "/")
	}
	eventually(t, fmt.Sprintf("%d descriptors as before", before), func() bool {
		return len(descriptors(t, d.pid())) <= before
	})
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
}

// wantControlPlane expects that the admin and the control address work during a whole drain.
func (d *lameduck) wantControlPlane(t *testing.T) {
	t.Helper()
	for _, path := range []string{"/livez", "/readyz", "/metrics"} {
		if a, err := request(http.MethodGet, "http://"+d.admin+path, ""); err != nil || a.status != http.StatusOK {
			t.Errorf("%s: status %d, %v; want 200", path, a.status, err)
		}
	}
	hook := d.hold(t)
	d.awaitHook(t)
	if s := parseState(t, d.drain(t)); s.Phase != "draining" {
		t.Errorf("lameduck drain printed %+v, want draining", s)
	}
	if a := receive(t, hook, "answer to the hook"); a.body != "drained\n" {
		t.Errorf("the hook got the answer %q, want drained", a.body)
	}
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
	d.wantTerminationLog(t, "drained in ")
}

// If no connection is relayed, the end of the drain frees no descriptor.
func TestWithoutADescriptorLeftTheSummaryIsWritten(t *testing.T) {
	t.Parallel()
	ln := listen(t)
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	d, env := prepare(t, "1", "LAMEDUCK_ROUTES=", "LAMEDUCK_OBSERVE="+port)
	d.program = start(t, env, programPath("lameduck"), "serve")
	d.logged(t, "serving")
	d.exhaust(t, slices.Min) // the one for the summary was opened first
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
	d.wantTerminationLog(t, "drained in ")
}

// inReserve is the number of descriptors that lameduck holds in reserve: eight each for the admin
// and the control address, and one for the termination log.
const inReserve = 17

// exhaust lowers the limit of open files to the first number that is free above one of the descriptors
// in reserve. One at or above the limit is of no use, and clients can use a number that is free below it.
func (d *lameduck) exhaust(t *testing.T, above func(reserve []int) int) {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Prlimit(d.pid(), unix.RLIMIT_NOFILE, nil, &limit); err != nil {
		t.Fatal(err)
	}
	// A file that is open for a moment would leave its number free.
	open := descriptors(t, d.pid())
	eventually(t, "no descriptor is opened or closed", func() bool {
		time.Sleep(100 * time.Millisecond)
		before := open
		open = descriptors(t, d.pid())
		return maps.Equal(before, open)
	})
	reserve := d.reserve(t)
	if len(reserve) != inReserve {
		t.Fatalf("descriptors in reserve %v, want %d of them", reserve, inReserve)
	}
	limit.Cur = uint64(above(reserve))
	for open := true; open; {
		limit.Cur++ // some inherited descriptors may have high numbers
		_, err := os.Lstat(fmt.Sprintf("/proc/%d/fd/%d", d.pid(), limit.Cur))
		open = err == nil
	}
	if err := unix.Prlimit(d.pid(), unix.RLIMIT_NOFILE, &limit, nil); err != nil {
		t.Fatal(err)
	}
}

// reserve returns the descriptors of the null device that lameduck itself has opened. Those that it has
// inherited are not closed by exec.
func (d *lameduck) reserve(t *testing.T) []int {
	t.Helper()
	var fds []int
	for fd, target := range descriptors(t, d.pid()) {
		if target == os.DevNull && openFlags(t, d.pid(), fd)&unix.O_CLOEXEC != 0 {
			fds = append(fds, fd)
		}
	}
	return fds
}

// openFlags returns the flags of an open descriptor, as of proc_pid_fdinfo(5).
func openFlags(t *testing.T, pid, fd int) (flags int) {
	t.Helper()
	info, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", pid, fd))
	if err == nil {
		_, err = fmt.Sscanf(string(info), "pos: %d\nflags: %o", new(int), &flags)
	}
	if err != nil {
		t.Fatal(err)
	}
	return flags
}
