package integration

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestServeRelaysToTheApp(t *testing.T) {
	t.Parallel()
	d := startServe(t, startApp(t).addr)
	if a := d.get(t, "/"); a.body != "hello" || a.closes {
		t.Errorf("answer %+v, want the app's own, without a close option", a)
	}
	if a, err := request(http.MethodPost, "http://"+d.front+"/echo", "a body"); err != nil || a.body != "a body" {
		t.Errorf("answer %+v, %v, want the body that was sent", a, err)
	}
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
}

func TestSIGTERMBeginsADrainInWhichEverythingIsServed(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr, "LAMEDUCK_HOLD_MIN=1s")
	idle := dialClient(t, d.front)
	if told := idle.get(t, "/"); told {
		t.Fatal("a client is told to leave while serving")
	}
	busy := app.keepBusy(t, d)
	d.signal(t, syscall.SIGTERM)
	d.logged(t, "draining")
	for range 10 {
		if a := d.get(t, "/"); a.body != "hello" || !a.closes {
			t.Fatalf("answer %+v to a new connection, want the app's with the close option", a)
		}
	}
	if told := idle.get(t, "/"); !told {
		t.Error("a client that was idle is not told to leave")
	}
	close(app.release)
	busy.receive(t)
	d.wantExit(t, exitOK)
	f := d.logged(t, "stopped")
	if f["trigger"] != "stop signal" || f["reason"] != "quiet" || f["exchanges"] != 11.0 {
		t.Errorf("story %v, want 11 exchanges after a stop signal, and quiet at the end", f)
	}
	if hold := duration(t, f, "hold"); hold < time.Second {
		t.Errorf("the hold has lasted %v, want Min of 1s at least", hold)
	}
}

// A keepAliveClient is one connection for one request after the other.
type keepAliveClient struct {
	conn net.Conn
	r    *bufio.Reader
}

func dialClient(t *testing.T, address string) *keepAliveClient {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return &keepAliveClient{conn, bufio.NewReader(conn)}
}

func (c *keepAliveClient) send(t *testing.T, path string) {
	t.Helper()
	if _, err := fmt.Fprintf(c.conn, "GET %s HTTP/1.1\r\nHost: app\r\n\r\n", path); err != nil {
		t.Fatal(err)
	}
}

// get tells whether the response has the close option.
func (c *keepAliveClient) get(t *testing.T, path string) (told bool) {
	t.Helper()
	c.send(t, path)
	return c.receive(t).closes
}

// receive reads a response, and closes the connection if it has the close option.
func (c *keepAliveClient) receive(t *testing.T) answer {
	t.Helper()
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatalf("the answer does not come: %v", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("the answer is not whole: %v", err)
	}
	if resp.Close {
		_ = c.conn.Close()
	}
	return answer{resp.StatusCode, resp.Header, string(body), resp.Close}
}

func TestAnIdleConnectionIsClosedAtTheEndOfTheHoldAndNotBefore(t *testing.T) {
	t.Parallel()
	d := startServe(t, startApp(t).addr)
	idle := dialClient(t, d.front)
	idle.get(t, "/")
	d.signal(t, syscall.SIGTERM)
	if _, err := idle.r.ReadByte(); err != io.EOF {
		t.Errorf("the idle connection ends with %v, want a FIN", err)
	}
	ended := time.Now()
	_ = idle.conn.Close()
	drained := logTime(t, d.logged(t, "draining")).Add(300 * time.Millisecond)
	if ended.Before(drained) {
		t.Errorf("the idle connection has been closed %v before the end of the hold", drained.Sub(ended))
	}
	d.wantExit(t, exitOK)
}

// logTime is when a line was logged.
func logTime(t *testing.T, f map[string]any) time.Time {
	t.Helper()
	s, _ := f["ts"].(string)
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestASecondSIGTERMDoesNotShortenTheHold(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr, "LAMEDUCK_HOLD_MIN=1s")
	busy := app.keepBusy(t, d)
	d.signal(t, syscall.SIGTERM)
	d.logged(t, "draining")
	for range 3 {
		d.signal(t, syscall.SIGTERM)
		if a := d.get(t, "/"); a.body != "hello" {
			t.Fatalf("answer %+v after a further SIGTERM, want the app's", a)
		}
	}
	close(app.release)
	busy.receive(t)
	d.wantExit(t, exitOK)
	f := d.logged(t, "stopped")
	if hold := duration(t, f, "hold"); hold < time.Second || f["reason"] != "quiet" {
		t.Errorf("the hold has lasted %v and ended for %v, want Min of 1s at least, and quiet", hold, f["reason"])
	}
}

func TestSIGINTBeginsADrainAndASecondOneEndsIt(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr, "LAMEDUCK_HOLD_MIN=20s")
	app.keepBusy(t, d)
	d.signal(t, syscall.SIGINT)
	if f := d.logged(t, "draining"); f["trigger"] != "interrupt" {
		t.Errorf("the drain was triggered by %v, want an interrupt", f["trigger"])
	}
	d.signal(t, syscall.SIGINT)
	d.wantExit(t, exitOK)
	if f := d.logged(t, "stopped"); f["reason"] != "interrupted" || f["cut_exchanges"] != 1.0 {
		t.Errorf("story %v, want one that was interrupted and has cut an exchange", f)
	}
}

func TestARequestInFlightIsFinished(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr)
	c := app.keepBusy(t, d)
	d.signal(t, syscall.SIGTERM)
	eventually(t, "Min and Quiet are over", func() bool { return d.status(t).Drain.Seconds > 0.7 })
	close(app.release)
	if a := c.receive(t); a.body != "waited" || !a.closes {
		t.Errorf("answer %+v, want the app's with the close option", a)
	}
	d.wantExit(t, exitOK)
	if f := d.logged(t, "stopped"); f["reason"] != "quiet" || f["cut_exchanges"] != 0.0 {
		t.Errorf("story %v, want quiet and nothing cut", f)
	}
}

func TestAtMaxWhatIsLeftIsCutAndTold(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr, "LAMEDUCK_HOLD_MAX=500ms")
	c := app.keepBusy(t, d)
	d.signal(t, syscall.SIGTERM)
	if _, err := http.ReadResponse(c.r, nil); err == nil {
		t.Error("an exchange that was cut has an answer")
	}
	_ = c.conn.Close()
	d.wantExit(t, exitOK)
	f := d.logged(t, "stopped")
	if f["reason"] != "max" || f["cut_exchanges"] != 1.0 || f["cut_connections"] != 1.0 {
		t.Errorf("story %v, want one exchange on one connection that was cut at Max", f)
	}
	d.wantTerminationLog(t, "(max; triggered by stop signal)", "cut: 1 exchanges on 1 connections")
}

// wantTerminationLog looks for parts of the story.
func (d *duck) wantTerminationLog(t *testing.T, parts ...string) {
	t.Helper()
	text, err := os.ReadFile(d.terminationLog)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range parts {
		if !strings.Contains(string(text), part) {
			t.Errorf("the termination log does not have %q: %s", part, text)
		}
	}
}

func TestTheTerminationLogTellsTheStory(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr)
	busy := app.keepBusy(t, d)
	d.signal(t, syscall.SIGTERM)
	d.logged(t, "draining")
	d.get(t, "/")
	close(app.release)
	busy.receive(t)
	d.wantExit(t, exitOK)
	d.wantTerminationLog(t, "drained in ", "(quiet; triggered by stop signal)", "1 exchanges after its start", "cut: 0 exchanges", "http1 connections ended: 2 by drain")
}

func TestATerminationLogThatCannotBeWrittenIsToldAndNoFailure(t *testing.T) {
	t.Parallel()
	d := startServe(t, startApp(t).addr, "LAMEDUCK_TERMINATION_LOG="+t.TempDir())
	d.signal(t, syscall.SIGTERM)
	d.logged(t, "write termination log")
	d.wantExit(t, exitOK)
}

func TestTheEndOfTheAppEndsTheDrainAndRefusesConnections(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr, "LAMEDUCK_HOLD_MIN=15s", "LAMEDUCK_APP_WAIT=15s")
	d.beginDrain(t)
	app.die()
	waiting := dialClient(t, d.front) // in the moment before the app's end is noticed, or refused
	eventually(t, "connections are refused", func() bool { return refused(d.front) })
	waiting.wantNoAnswer(t)
	d.wantExit(t, exitOK)
	if f := d.logged(t, "stopped"); f["reason"] != "app_gone" {
		t.Errorf("story %v, want that the app has gone", f)
	}
}

// wantNoAnswer looks that the connection ends without a byte: a 503 would not be retried elsewhere.
func (c *keepAliveClient) wantNoAnswer(t *testing.T) {
	t.Helper()
	_, _ = io.WriteString(c.conn, "GET / HTTP/1.1\r\nHost: app\r\n\r\n")
	if _, err := c.r.ReadByte(); err == nil {
		t.Error("a connection for which there is no app has an answer")
	}
}

func TestSIGTERMAfterTheHookFinishesAtOnceWhenTheAppHasGone(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr)
	hook := d.hold(t)
	d.awaitHook(t)
	d.beginDrain(t)
	receive(t, hook, "answer to the hook")
	app.die()
	begun := time.Now()
	_ = d.cmd.Process.Signal(syscall.SIGTERM) // it may have noticed, and ended, before
	d.wantExit(t, exitOK)
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("the end took %v, want none of the grace period's 30s", took)
	}
}

func TestTheAppIsServedAfterTheHoldUntilItHasGone(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr)
	hook := d.hold(t)
	d.awaitHook(t)
	d.signal(t, syscall.SIGTERM) // a plain second container: its signal comes at the beginning
	receive(t, hook, "answer to the hook")
	if a := d.get(t, "/"); a.body != "hello" {
		t.Errorf("answer %+v after the hold, want the app's as long as it lives", a)
	}
	d.wantRunning(t, "it is to serve until the app has gone")
	app.die()
	d.wantExit(t, exitOK)
}

// While lameduck does not run, nobody knows whether it is called.
func TestAStallIsNotTakenForSilence(t *testing.T) {
	t.Parallel()
	d := startServe(t, startApp(t).addr, "LAMEDUCK_HOLD_QUIET=1s", "LAMEDUCK_SILENCE_FACTOR=0")
	idle := dialClient(t, d.front)
	idle.get(t, "/")
	d.beginDrain(t)
	d.signal(t, syscall.SIGSTOP)
	eventually(t, "lameduck stands still", func() bool { p, _ := findProcess(d.pid()); return p.state == "T" })
	idle.send(t, "/")
	<-time.After(1500 * time.Millisecond) // longer than all that the hold waits for
	d.signal(t, syscall.SIGCONT)
	if a := idle.receive(t); a.body != "hello" || !a.closes {
		t.Errorf("answer %+v to a request that has come meanwhile, want the app's with the close option", a)
	}
	d.logged(t, "drained")
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
}

func TestALogThatNobodyReadsDoesNotEndTheDrain(t *testing.T) {
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
	eventually(t, "the story is told", func() bool { _, err := os.Stat(d.terminationLog); return err == nil || d.hasEnded() })
	d.wantExit(t, exitOK)
	d.wantTerminationLog(t, "(quiet; triggered by stop signal)")
}

func (p *program) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// awaitText reads until a line has a text in it.
func awaitText(t *testing.T, r io.Reader, text string) {
	t.Helper()
	in := bufio.NewScanner(r)
	for in.Scan() {
		if strings.Contains(in.Text(), text) {
			return
		}
	}
	t.Fatalf("no %s until the end", text)
}

func TestEveryAddressThatCannotBeHadIsToldAtOnce(t *testing.T) {
	t.Parallel()
	first, second := listen(t), listen(t)
	defer first.Close()
	defer second.Close()
	a, b := first.Addr().String(), second.Addr().String()
	p := start(t, []string{"LAMEDUCK_ROUTES=" + a + "=1", "LAMEDUCK_ADMIN=" + freeAddress(t), "LAMEDUCK_CONTROL=" + b}, programPath("lameduck"))
	p.wantExit(t, exitFailure)
	for _, name := range []string{"LAMEDUCK_ROUTES", "LAMEDUCK_CONTROL"} {
		p.stderr.await(t, name, func(l string) bool { return strings.Contains(l, name+": ") && strings.Contains(l, "in use") })
	}
}

func TestDescriptorsAreGivenBack(t *testing.T) {
	t.Parallel()
	d := startServe(t, startApp(t).addr)
	d.get(t, "/")
	eventually(t, "no connections", func() bool { return d.metric(t, "lameduck_connections") == "0" })
	before := len(descriptors(t, d.pid()))
	for range 100 {
		d.get(t, "/")
	}
	eventually(t, fmt.Sprintf("%d descriptors as before", before), func() bool { return len(descriptors(t, d.pid())) <= before })
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
}
