package integration

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fullPipe returns a full pipe and the number of bytes in it.
func fullPipe(t *testing.T) (r, w *os.File, held int) {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	filling := []byte(strings.Repeat("x", os.Getpagesize()))
	for {
		n, err := unix.Write(fds[1], filling)
		if err == unix.EAGAIN {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		held += n
	}
	for _, fd := range fds {
		if err := unix.SetNonblock(fd, false); err != nil {
			t.Fatal(err)
		}
	}
	r, w = os.NewFile(uintptr(fds[0]), "read"), os.NewFile(uintptr(fds[1]), "write")
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w, held
}

// startMute starts lameduck with full pipes as standard output and error.
func startMute(t *testing.T, app string, env []string, args ...string) (d *lameduck, output *os.File, held int) {
	t.Helper()
	d, env = prepare(t, app, env...)
	r, w, held := fullPipe(t)
	cmd := newCommand(env, programPath("lameduck"), args...)
	cmd.Stdout, cmd.Stderr = w, w
	d.program = startCommand(t, cmd)
	_ = w.Close()
	eventually(t, "it serves", func() bool {
		a, err := request(http.MethodGet, "http://"+d.admin+"/livez", "")
		return err == nil && a.status == http.StatusOK
	})
	return d, r, held
}

// refuse sends n invalid requests. Each adds a line to the log.
func (d *lameduck) refuse(t *testing.T, n int) {
	t.Helper()
	for range n {
		c := dialClient(t, d.front)
		_, _ = fmt.Fprint(c.conn, "GET / HTTP/1.1\r\nHost: app\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")
		if a := c.receive(t); a.status != http.StatusBadRequest {
			t.Fatalf("an ambiguous request got status %d, want 400", a.status)
		}
		_ = c.conn.Close()
	}
}

func TestAFullPipeStopsNeitherTrafficNorTheDrain(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d, _, _ := startMute(t, app.addr, nil, "serve")
	d.refuse(t, 1000)
	if a := d.get(t, "/"); a.body != "hello" {
		t.Errorf("answer %+v while the log is full, want the app's", a)
	}
	eventually(t, "lines of the log are dropped", func() bool {
		return d.metric(t, "lameduck_log_lines_dropped_total") != "0"
	})
	hook := d.hold(t)
	d.awaitHook(t)
	begun := time.Now()
	d.signal(t, syscall.SIGTERM)
	if a := receive(t, hook, "answer to the hook"); a.body != "drained\n" {
		t.Errorf("the hook got the answer %q, want drained", a.body)
	}
	app.die()
	d.wantExit(t, exitOK)
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("the drain took %v with a full log, want little more than 300ms", took)
	}
	d.wantTerminationLog(t, "(quiet; triggered by stop signal)")
}

func TestAReaderThatResumesGetsTheLastLines(t *testing.T) {
	t.Parallel()
	d, output, held := startMute(t, startApp(t).addr, nil, "serve")
	d.beginDrain(t)
	if _, err := io.CopyN(io.Discard, output, int64(held)); err != nil {
		t.Fatal(err)
	}
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
	rest, err := io.ReadAll(output)
	if err != nil {
		t.Fatal(err)
	}
	for _, message := range []string{"serving", "draining", "stopped"} {
		if !strings.Contains(string(rest), strconv.Quote(message)) {
			t.Errorf("no line %q in the log:\n%s", message, rest)
		}
	}
}

func TestNoCommandWaitsForTheReaderOfItsOutput(t *testing.T) {
	t.Parallel()
	d := startServe(t, startApp(t).addr)
	for _, tt := range []struct {
		args []string
		env  string
		code int
	}{
		{[]string{"serve"}, "LAMEDUCK_HOLD_MIN=x", exitUsage},
		{[]string{"drain"}, "LAMEDUCK_CONTROL=" + d.control, exitOK},
		{[]string{"help"}, "", exitOK},
		{[]string{"exec", "--", "/nowhere"}, "LAMEDUCK_ROUTES=" + freeAddress(t) + "=1", exitNotFound},
	} {
		_, w, _ := fullPipe(t)
		cmd := newCommand([]string{tt.env, "LAMEDUCK_ADMIN=" + freeAddress(t)}, programPath("lameduck"), tt.args...)
		cmd.Stdout, cmd.Stderr = w, w
		startCommand(t, cmd).wantExit(t, tt.code)
	}
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
}

// With one thread at a time, the output is not written early by chance.
func TestOutputIsWrittenBeforeTheEnd(t *testing.T) {
	t.Parallel()
	env := []string{"GOMAXPROCS=1", "LAMEDUCK_HOLD_MIN=x"}
	p := start(t, env, programPath("lameduck"), "version")
	p.wantExit(t, exitOK)
	if out := p.stdout.String(); !strings.HasPrefix(out, "lameduck ") {
		t.Errorf("version %q", out)
	}
	p = start(t, env, programPath("lameduck"), "serve")
	p.wantExit(t, exitUsage)
	if out := p.stderr.String(); !strings.Contains(out, "LAMEDUCK_HOLD_MIN: must be") {
		t.Errorf("problem %q, want that of LAMEDUCK_HOLD_MIN", out)
	}
}

func TestAClosedLogDoesNotEndTheDrain(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d, env := prepare(t, app.addr)
	cmd := newCommand(env, programPath("lameduck"), "serve")
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.program = startCommand(t, cmd)
	awaitText(t, log, `"serving"`)
	_ = log.Close()
	d.signal(t, syscall.SIGTERM)
	eventually(t, "the termination log is written", func() bool {
		_, err := os.Stat(d.terminationLog)
		return err == nil || d.hasEnded()
	})
	d.wantExit(t, exitOK)
	d.wantTerminationLog(t, "(quiet; triggered by stop signal)")
}
