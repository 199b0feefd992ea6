package proxy

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"lameduck/lifecycle/silence"
)

// A rig is a server in a synctest bubble. The test acts as its clients and as the app.
type rig struct {
	t        *testing.T
	server   *Server
	listener *memListener
	apps     chan *memConn // the app's ends of the connections that the server opens
	served   chan error

	mu      sync.Mutex
	dials   int
	refused uint64 // of them
	refuse  bool
	refusal error              // why; nil means that nobody listens
	greet   func(app *memConn) // acts as the app on each new connection, or nil
}

// inBubble runs test with a rig, and then expects that no connection or exchange is left.
func inBubble(t *testing.T, config Config, test func(*rig)) {
	t.Helper()
	onRoute(t, Auto, config, test)
}

// onRoute is inBubble for a route that speaks a protocol.
func onRoute(t *testing.T, protocol Protocol, config Config, test func(*rig)) {
	t.Helper()
	through(t, Route{Protocol: protocol}, config, test)
}

// through is inBubble for any route. The rig dials.
func through(t *testing.T, route Route, config Config, test func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{
			t: t, server: New(config), listener: newMemListener(),
			apps: make(chan *memConn, 100), served: make(chan error, 1),
		}
		route.Dial = r.dial
		go func() { r.served <- r.server.Serve(r.listener, route) }()
		defer r.close()
		test(r)
	})
}

func (r *rig) close() {
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Second)
	defer cancel()
	r.server.Close(ctx)
	if err := <-r.served; err != ErrServerClosed {
		r.t.Errorf("Serve returned %v, want ErrServerClosed", err)
	}
	r.wantsNoConnections()
	if n := r.server.stats.inFlight.Load(); n != 0 {
		r.t.Errorf("%d exchanges in flight are left, want none", n)
	}
	if n := r.server.Forecast(silence.Rule{}).InFlight; n != 0 {
		r.t.Errorf("the sources count %d exchanges in flight, want none", n)
	}
}

// wantsNoConnections expects that no connection is left.
func (r *rig) wantsNoConnections() {
	r.t.Helper()
	synctest.Wait()
	if n := r.server.connections(); n != 0 {
		r.t.Errorf("%d connections are left, want none", n)
	}
}

func (r *rig) dial(context.Context) (Conn, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dials++
	if r.refuse {
		r.refused++
		return nil, &net.OpError{Op: "dial", Err: cmp.Or(r.refusal, error(syscall.ECONNREFUSED))}
	}
	c, app := memPipe(memAddr)
	if r.greet != nil {
		r.greet(app)
	}
	r.apps <- app
	return c, nil
}

// refusals returns how many attempts to reach the app were refused.
func (r *rig) refusals() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refused
}

func (r *rig) setRefuse(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuse = on
}

// connect opens a client connection and returns it with the app's side.
func (r *rig) connect() (client, app *peer) {
	return r.client("192.0.2.10"), r.app()
}

func (r *rig) client(ip string) *peer {
	r.t.Helper()
	c, ok := r.listener.dial(&net.TCPAddr{IP: net.ParseIP(ip), Port: 40000})
	if !ok {
		r.t.Fatal("the connection was refused")
	}
	return &peer{r.t, "client", c}
}

func (r *rig) app() *peer {
	r.t.Helper()
	synctest.Wait()
	select {
	case a := <-r.apps:
		return &peer{r.t, "app", a}
	default:
		r.t.Fatal("the app got no connection")
		return nil
	}
}

// converse relays one small request and its response.
func converse(client, app *peer) {
	client.t.Helper()
	client.send(get)
	app.wants(get)
	app.send(ok)
	client.wants(ok)
}

const (
	get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	ok  = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	// okClose is ok with the close option.
	okClose = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
)

// A peer is the client or the app of a connection. The test acts for it.
type peer struct {
	t    *testing.T
	name string
	conn *memConn
}

func (p *peer) send(s string) {
	p.t.Helper()
	if _, err := io.WriteString(p.conn, s); err != nil {
		p.t.Fatalf("the %s cannot send: %v", p.name, err)
	}
}

// sendSlowly sends byte by byte, and waits until each is relayed.
func (p *peer) sendSlowly(s string) {
	p.t.Helper()
	for i := range len(s) {
		p.send(s[i : i+1])
		synctest.Wait()
	}
}

// wants expects exactly these bytes, and no more.
func (p *peer) wants(want string) {
	p.t.Helper()
	got := make([]byte, 0, len(want))
	for len(got) < len(want) {
		synctest.Wait()
		b := p.available()
		if len(b) == 0 {
			break
		}
		got = append(got, b...)
	}
	if string(got) != want {
		p.t.Fatalf("the %s got\n%q\nwant\n%q", p.name, got, want)
	}
	p.wantsNothing()
}

// available returns what can be read without waiting.
func (p *peer) available() []byte {
	p.conn.in.mu.Lock()
	defer p.conn.in.mu.Unlock()
	b := bytes.Clone(p.conn.in.buf)
	p.conn.in.buf = p.conn.in.buf[len(p.conn.in.buf):]
	p.conn.in.changed.Broadcast()
	return b
}

func (p *peer) wantsNothing() {
	p.t.Helper()
	synctest.Wait()
	if b := p.available(); len(b) > 0 {
		p.t.Fatalf("the %s got more: %q", p.name, b)
	}
}

// wantsOpen expects that the other side has not closed.
func (p *peer) wantsOpen() {
	p.t.Helper()
	p.wantsNothing()
	p.conn.in.mu.Lock()
	defer p.conn.in.mu.Unlock()
	if p.conn.in.ended {
		p.t.Fatalf("the %s sees the connection close", p.name)
	}
}

// wantsEnd expects a clean close of the other side.
func (p *peer) wantsEnd() {
	p.t.Helper()
	p.wantsEndWith(nil)
}

// wantsReset expects an RST.
func (p *peer) wantsReset() {
	p.t.Helper()
	p.wantsEndWith(syscall.ECONNRESET)
}

// wantsResetAfter expects an RST after d, and none before.
func (p *peer) wantsResetAfter(d time.Duration) {
	p.t.Helper()
	time.Sleep(d - time.Second)
	p.wantsOpen()
	time.Sleep(2 * time.Second)
	p.wantsReset()
}

func (p *peer) wantsEndWith(want error) {
	p.t.Helper()
	p.wantsNothing()
	p.conn.in.mu.Lock()
	defer p.conn.in.mu.Unlock()
	if !p.conn.in.ended {
		p.t.Fatalf("the %s sees the connection still open", p.name)
	}
	if p.conn.in.broken != want {
		p.t.Fatalf("the %s sees the connection end with error %v, want %v", p.name, p.conn.in.broken, want)
	}
}

// ends closes the peer's sending side.
func (p *peer) ends() { _ = p.conn.CloseWrite() }

// closes closes the connection.
func (p *peer) closes() { _ = p.conn.Close() }

// resets closes the connection with an RST.
func (p *peer) resets() {
	_ = p.conn.SetLinger(0)
	_ = p.conn.Close()
}

// wantsAnswer expects a complete answer of ours with this status, and then the close of the
// connection.
func (p *peer) wantsAnswer(status string) {
	p.t.Helper()
	synctest.Wait()
	b := string(p.available())
	if !strings.HasPrefix(b, "HTTP/1.1 "+status+" ") || !strings.HasSuffix(b, "Connection: close\r\n\r\n") {
		p.t.Fatalf("the %s got %q, want an answer with status %s and Connection: close", p.name, b, status)
	}
	p.wantsEnd()
}
