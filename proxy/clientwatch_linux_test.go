package proxy

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"lameduck/proxy/pump"
)

// refusedRequest is answered 400, after the requests before it.
const refusedRequest = "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"

// acceptAndRead accepts a connection as the app, reads want and does not answer.
func acceptAndRead(t *testing.T, app net.Listener, want string) *net.TCPConn {
	t.Helper()
	c, err := app.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); string(got) != want {
		t.Fatalf("the app got %q, error %v; want %q", got[:n], err, want)
	}
	return c.(*net.TCPConn)
}

// After these bytes the direction from the client waits for the app, with unsent data.
var waits = map[string]struct{ relayed, held string }{
	"a request that is refused":           {get, refusedRequest},
	"more requests than may be pipelined": {strings.Repeat(get, 32), get},
}

func (c *conn) knowsClientsEnd() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.watch.hasEndedLocked()
}

func (c *conn) isClientWatched() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.watch != nil && c.watch.token != 0
}

// fill sends to a flow until its destination takes nothing more, and returns how many bytes.
func fill(t *testing.T, source net.Conn, f *pump.Flow) (sent int64) {
	t.Helper()
	_ = source.SetWriteDeadline(time.Now().Add(20 * time.Second))
	for piece := make([]byte, 8<<10); !f.Blocked(); time.Sleep(100 * time.Microsecond) {
		n, err := source.Write(piece)
		if sent += int64(n); err != nil {
			t.Fatal(err)
		}
	}
	return sent
}

func TestClientWatch_AResetWhileTheAppIsWaitedForEndsTheConnection(t *testing.T) {
	for name, wait := range waits {
		for closed, when := range map[bool]string{false: "", true: ", behind a FIN"} {
			t.Run(name+when, func(t *testing.T) {
				t.Parallel()
				app := listenLoopback(t)
				s, address := onLoopback(t, Config{}, app)
				client := dialAndSend(t, address, wait.relayed+wait.held)
				peer := acceptAndRead(t, app, wait.relayed)
				if closed {
					_ = client.CloseWrite()
					waitUntil(t, "the FIN is noticed", only(s).knowsClientsEnd)
					time.Sleep(5 * usualDial) // until it waits only for the RST; if this is too short, the test checks less
				}
				resetBy(client)
				if _, err := io.Copy(io.Discard, peer); err != nil && isTimeout(err) {
					t.Fatal("the app's connection is still open")
				}
				waitUntil(t, "the connection has ended", func() bool { return s.connections() == 0 })
				var ended uint64 // of any protocol
				for p := range s.stats.ended {
					ended += s.stats.ended[p][endedByClient].Load()
				}
				if ended != 1 {
					t.Errorf("%d connections were ended by their clients, want 1", ended)
				}
			})
		}
	}
}

// The app has ended its side and reads slowly. The client has sent everything, and closes: both sides
// of its connection have ended then, which looks like a reset.
func TestClientWatch_AClientThatHasSentEverythingMayClose(t *testing.T) {
	t.Parallel()
	s, client, app := connectedByTCP(t)
	_ = app.(*net.TCPConn).CloseWrite()
	if _, err := io.Copy(io.Discard, client); err != nil {
		t.Fatal(err)
	}
	c := only(s)
	sent := fill(t, client, &c.requests)
	waitUntil(t, "the client is watched", func() bool {
		s.sweep()
		time.Sleep(5 * usualDial) // each sweep restarts the timer of the watch
		return c.isClientWatched()
	})
	_ = client.Close()
	waitUntil(t, "the FIN is noticed", c.knowsClientsEnd)
	_ = app.SetReadDeadline(time.Now().Add(20 * time.Second))
	if got, err := io.Copy(io.Discard, app); got != sent || err != nil {
		t.Errorf("the app got %d bytes of %d, error %v", got, sent, err)
	}
}

// The parker watches both sides: one for a direction that is parked, the client for one that is
// blocked.
func TestClientWatch_AResetIsNoticedAfterTheAppWasParked(t *testing.T) {
	t.Parallel()
	s, client, app := connectedByTCP(t)
	c := only(s)
	fill(t, client, &c.requests)
	waitUntil(t, "the client is watched, and the app is parked", func() bool {
		s.sweep()
		time.Sleep(5 * usualDial) // each sweep restarts the timer of the watch
		return c.isClientWatched() && c.stateOf(fromApp) == parked
	})
	passesInPieces(t, app, client, []string{"more"}) // wakes it
	if !c.isClientWatched() {
		t.Fatal("the client is not watched any more")
	}
	resetBy(client.(*net.TCPConn))
	waitUntil(t, "the connection has ended", func() bool { return s.connections() == 0 })
}

func TestClientWatch_AHalfCloseBehindAnUndecidedUpgradeReachesTheApp(t *testing.T) {
	for name, behind := range map[string]string{"a request": get, "bytes": "x", "nothing": ""} {
		for _, answer := range []string{ok, ok + ok, upgraded101 + text} {
			t.Run("with "+name+" behind it", func(t *testing.T) {
				t.Parallel()
				halfCloseBehindAnUpgrade(t, behind, answer)
			})
		}
	}
}

// halfCloseBehindAnUpgrade half-closes after an upgrade and more bytes, which the app answers.
func halfCloseBehindAnUpgrade(t *testing.T, behind, answer string) {
	app := listenLoopback(t)
	s, address := onLoopback(t, Config{}, app)
	client := dialAndSend(t, address, upgrade+behind)
	peer := acceptAndRead(t, app, upgrade)
	_ = client.CloseWrite()
	if got, err := io.ReadAll(peer); string(got) != behind || err != nil {
		t.Fatalf("the app read %q, error %v; want %q and the client's FIN", got, err, behind)
	}
	_, _ = io.WriteString(peer, answer)
	_ = peer.Close()
	_ = client.SetReadDeadline(time.Now().Add(20 * time.Second))
	if got, err := io.ReadAll(client); string(got) != answer || err != nil {
		t.Errorf("the client got %q, error %v; want %q", got, err, answer)
	}
	waitUntil(t, "the connection has ended", func() bool { return s.connections() == 0 })
}

func TestClientWatch_AResetBehindAnUndecidedUpgradeEndsTheConnection(t *testing.T) {
	for name, behind := range map[string]string{"a request": get, "bytes": "x"} {
		t.Run("with "+name+" behind it", func(t *testing.T) {
			t.Parallel()
			app := listenLoopback(t)
			s, address := onLoopback(t, Config{}, app)
			client := dialAndSend(t, address, upgrade+behind)
			peer := acceptAndRead(t, app, upgrade)
			resetBy(client)
			if _, err := io.Copy(io.Discard, peer); err != nil && isTimeout(err) {
				t.Fatal("the app's connection is still open")
			}
			waitUntil(t, "the connection has ended", func() bool { return s.connections() == 0 })
		})
	}
}

func TestClientWatch_AHalfCloseBehindARefusedRequestReachesTheApp(t *testing.T) {
	app := listenLoopback(t)
	_, address := onLoopback(t, Config{}, app)
	client := dialAndSend(t, address, get+refusedRequest)
	peer := acceptAndRead(t, app, get)
	_ = client.CloseWrite()
	if n, err := peer.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("the app read %d bytes, error %v; want the client's FIN", n, err)
	}
	if _, err := io.WriteString(peer, ok); err != nil {
		t.Fatal(err)
	}
	_ = client.SetReadDeadline(time.Now().Add(20 * time.Second))
	got, err := io.ReadAll(client)
	if want := ok + string(answerBadRequest); string(got) != want || err != nil {
		t.Errorf("the client got %q, error %v; want %q", got, err, want)
	}
}

func TestClientWatch_AResetWhileTheAppTakesNothingEndsTheConnection(t *testing.T) {
	for name, head := range map[string]string{
		"a body of known length": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n",
		"a chunked body":         "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000000\r\n",
		"a tunnel":               "hello\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := listenLoopback(t)
			s, address := onLoopback(t, Config{}, app)
			client := dialAndSend(t, address, head)
			peer := acceptAndRead(t, app, head)
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				for part := make([]byte, 1<<16); ; {
					if _, err := client.Write(part); err != nil {
						return
					}
				}
			}()
			waitUntil(t, "the app takes nothing more", only(s).requests.Blocked)
			resetBy(client)
			<-sent
			waitUntil(t, "the connection has ended", func() bool { return s.connections() == 0 })
			if _, err := io.Copy(io.Discard, peer); err == nil {
				t.Error("the app sees a clean close")
			}
		})
	}
}
