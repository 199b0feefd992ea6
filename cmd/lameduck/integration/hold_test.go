package integration

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestSIGTERMBeginsADrainInWhichEverythingIsServed(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr, "LAMEDUCK_HOLD_MIN=1s")
	idle := dialClient(t, d.front)
	if closes := idle.get(t, "/"); closes {
		t.Fatal("a response has the close option while serving")
	}
	busy := app.keepBusy(t, d)
	d.signal(t, syscall.SIGTERM)
	d.logged(t, "draining")
	for range 10 {
		if a := d.get(t, "/"); a.body != "hello" || !a.closes {
			t.Fatalf("answer %+v to a new connection, want the app's with the close option", a)
		}
	}
	if closes := idle.get(t, "/"); !closes {
		t.Error("the response to a client that was idle has no close option")
	}
	close(app.release)
	busy.receive(t)
	d.wantExit(t, exitOK)
	f := d.logged(t, "stopped")
	if f["trigger"] != "stop signal" || f["reason"] != "quiet" || f["exchanges"] != 11.0 {
		t.Errorf("summary %v, want 11 exchanges after a stop signal, and quiet at the end", f)
	}
	if hold := duration(t, f, "hold"); hold < time.Second {
		t.Errorf("the hold lasted %v, want at least Min of 1s", hold)
	}
}

func TestAnIdleConnectionIsClosedAtTheEndOfTheHoldAndNotBefore(t *testing.T) {
	t.Parallel()
	d := startServe(t, startApp(t).addr)
	idle := dialClient(t, d.front)
	idle.get(t, "/")
	signaled := time.Now() // the hold begins later
	d.signal(t, syscall.SIGTERM)
	if _, err := idle.r.ReadByte(); err != io.EOF {
		t.Errorf("the idle connection ended with %v, want a FIN", err)
	}
	if open := time.Since(signaled); open < 300*time.Millisecond {
		t.Errorf("the idle connection was closed after %v, before the end of the hold", open)
	}
	_ = idle.conn.Close()
	d.wantExit(t, exitOK)
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
		t.Errorf("the hold lasted %v and ended with the reason %v, want at least Min of 1s, and quiet",
			hold, f["reason"])
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
		t.Errorf("summary %v, want a hold that was interrupted and one exchange cut", f)
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
		t.Errorf("summary %v, want quiet and nothing cut", f)
	}
}

func TestAtMaxWhatIsLeftIsCutAndReported(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr, "LAMEDUCK_HOLD_MAX=500ms")
	c := app.keepBusy(t, d)
	d.signal(t, syscall.SIGTERM)
	if _, err := http.ReadResponse(c.r, nil); err == nil {
		t.Error("an exchange that was cut got an answer")
	}
	_ = c.conn.Close()
	d.wantExit(t, exitOK)
	f := d.logged(t, "stopped")
	if f["reason"] != "max" || f["cut_exchanges"] != 1.0 || f["cut_connections"] != 1.0 {
		t.Errorf("summary %v, want one exchange on one connection cut at Max", f)
	}
	d.wantTerminationLog(t, "(max; triggered by stop signal)", "cut: 1 exchange on 1 connection;")
}

// For a client that has got part of a response without a length, the end of the hold must not look
// like the end of the response.
func TestAPartOfAResponseThatIsCutAtMaxDoesNotLookComplete(t *testing.T) {
	for name, secure := range map[string]bool{"in clear text": false, "in TLS": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const part = "HTTP/1.0 200 OK\r\nContent-Type: text/csv\r\n\r\na,b\n"
			env := []string{"LAMEDUCK_HOLD_MAX=500ms"}
			if secure {
				cert, key := newAuthority(t).issue(t, 1)
				env = append(env, newSecret(t, cert, key).env()...)
			}
			d := startServe(t, sendPart(t, part), env...)
			c, err := net.Dial("tcp", d.front)
			if err != nil {
				t.Fatal(err)
			}
			if secure {
				c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
			}
			defer c.Close()
			if _, err := io.WriteString(c, "GET /export HTTP/1.0\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(part))
			_ = c.SetReadDeadline(time.Now().Add(waitTimeout))
			if _, err := io.ReadFull(c, got); err != nil || string(got) != part {
				t.Fatalf("the client read %q, error %v; want %q", got, err, part)
			}
			d.signal(t, syscall.SIGTERM)
			if b, err := io.ReadAll(c); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the client read %q, error %v; want a reset", b, err)
			}
			d.wantExit(t, exitOK)
			if f := d.logged(t, "stopped"); f["reason"] != "max" || f["cut_exchanges"] != 1.0 {
				t.Errorf("summary %v, want one exchange cut at Max", f)
			}
		})
	}
}

// sendPart starts an app that answers the first bytes of each connection with a part of a response,
// and keeps the connection open. It returns the app's address.
func sendPart(t *testing.T, part string) string {
	t.Helper()
	ln := listen(t)
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				b := make([]byte, 1<<10)
				if n, _ := c.Read(b); strings.HasPrefix(string(b[:n]), "GET /export") {
					_, _ = io.WriteString(c, part)
				}
				_, _ = io.Copy(io.Discard, c)
			}()
		}
	}()
	return ln.Addr().String()
}

// While lameduck is stopped, it cannot notice requests.
func TestAStallDoesNotCountAsSilence(t *testing.T) {
	t.Parallel()
	d := startServe(t, startApp(t).addr, "LAMEDUCK_HOLD_QUIET=6s", "LAMEDUCK_HOLD_RISK=1")
	idle := dialClient(t, d.front)
	idle.get(t, "/")
	d.beginDrain(t)
	d.suspend(t)
	idle.send(t, "/")
	<-time.After(7 * time.Second) // longer than any wait of the hold
	d.signal(t, syscall.SIGCONT)
	if a := idle.receive(t); a.body != "hello" || !a.closes {
		t.Errorf("answer %+v to a request during the stall, want the app's with the close option", a)
	}
	d.logged(t, "drained")
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
}

func TestTheHoldLastsWhileAConnectionWaitsToBeAccepted_AtTheConnectionLimit(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr, "LAMEDUCK_MAX_CONNECTIONS=1")
	occupant := dialClient(t, d.front)
	occupant.get(t, "/")
	waiting := d.post(t)
	d.awaitMetric(t, "lameduck_accept_queue", "1")
	d.signal(t, syscall.SIGTERM)
	d.logged(t, "draining")
	d.wantHolding(t, "a connection waits to be accepted")
	_ = occupant.conn.Close()
	if a := waiting.receive(t); a.status != 200 || a.body != "hi" || !a.closes {
		t.Errorf("answer %+v to the client that waited, want 200 with the close option", a)
	}
	d.wantExit(t, exitOK)
	if f := d.logged(t, "stopped"); f["reason"] != "quiet" {
		t.Errorf("summary %v, want quiet at the end", f)
	}
}

func TestTheHoldLastsWhileAConnectionWaitsToBeAccepted_WithoutDescriptors(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr)
	d.get(t, "/")
	limit := limitDescriptors(t, d.pid(), 3) // standard streams have those
	waiting := d.post(t)
	d.logged(t, "accept failed")
	d.signal(t, syscall.SIGTERM)
	d.logged(t, "draining")
	d.wantHolding(t, "a connection waits to be accepted")
	limitDescriptors(t, d.pid(), limit)
	if a := waiting.receive(t); a.status != 200 || a.body != "hi" || !a.closes {
		t.Errorf("answer %+v to the client that waited, want 200 with the close option", a)
	}
	d.wantExit(t, exitOK)
	if f := d.logged(t, "stopped"); f["reason"] != "quiet" {
		t.Errorf("summary %v, want quiet at the end", f)
	}
}

// wantHolding expects that the hold lasts several times as long as a quiet one.
func (d *lameduck) wantHolding(t *testing.T, why string) {
	t.Helper()
	select {
	case <-d.ended:
	case <-time.After(5 * (300 + 300) * time.Millisecond):
	}
	if strings.Contains(d.stderr.String(), `"msg":"drained"`) {
		t.Fatalf("the hold ended although %s", why)
	}
}

// When the drain begins, lameduck has written the whole answer. The client receives it slowly.
func TestAnAnswerArrivesOverASlowLineInADrain(t *testing.T) {
	for _, v := range []struct {
		name string
		set  func(*http.Protocols, bool)
	}{
		{"HTTP/1", (*http.Protocols).SetHTTP1},
		{"HTTP/2", (*http.Protocols).SetUnencryptedHTTP2},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			protocols := new(http.Protocols)
			v.set(protocols, true)
			testSlowLine(t, protocols)
		})
	}
}

func testSlowLine(t *testing.T, protocols *http.Protocols) {
	t.Helper()
	root := publicDir(t)
	file := randomFile(t, filepath.Join(root, "file"), 2<<20) // the kernel takes all of it
	app, address := goHTTP2.start(t, root)
	p := startPod(t, app, address, append(realHold, "LAMEDUCK_GRACE_PERIOD=120s")...)
	transport := &http.Transport{Protocols: protocols, DialContext: dialSlowly}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	resp, err := client.Get("http://" + p.lameduck.front + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	eventually(t, "the answer has been written", func() bool { return p.lameduck.exchanges(t) == 1 })
	ended := make(chan struct{})
	hook := p.beginEnd(t)
	go func() {
		defer close(ended)
		p.end(t, hook)
	}()
	if b, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(b, file) {
		t.Errorf("%d bytes arrived, %v; want the %d of the file", len(b), err, len(file))
	}
	<-ended
}
