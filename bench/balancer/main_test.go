package balancer

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lameduck/bench/port"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A behaviour is the reaction of an endpoint after it has read a request.
type behaviour func(c *net.TCPConn)

func answers(raw string) behaviour {
	return func(c *net.TCPConn) { io.WriteString(c, raw) }
}

func answersThenCloses(raw string) behaviour {
	return func(c *net.TCPConn) {
		io.WriteString(c, raw)
		c.Close()
	}
}

func resets(c *net.TCPConn) {
	c.SetLinger(0)
	c.Close()
}

// silent neither answers nor closes.
func silent(*net.TCPConn) {}

const fine = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// A replica is an endpoint with the given behaviour that counts requests and connections.
type replica struct {
	addr string
	does behaviour

	mu       sync.Mutex
	conns    int
	sources  []string // client addresses of the connections
	requests []*http.Request
	arrived  []time.Time // when each request had been read
}

// start returns an endpoint with the given behaviour. If it is nil, the endpoint refuses every
// connection.
func start(t *testing.T, does behaviour) *replica {
	if does == nil {
		addr, err := port.Addr()
		if err != nil {
			t.Fatal(err)
		}
		return &replica{addr: addr}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &replica{addr: l.Addr().String(), does: does}
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	t.Cleanup(func() { l.Close() })
	wg.Go(func() { r.accept(t, l, &wg) })
	return r
}

func (r *replica) accept(t *testing.T, l net.Listener, wg *sync.WaitGroup) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		t.Cleanup(func() { c.Close() })
		r.mu.Lock()
		r.conns++
		r.sources = append(r.sources, c.RemoteAddr().(*net.TCPAddr).IP.String())
		r.mu.Unlock()
		wg.Go(func() { r.converse(c.(*net.TCPConn)) })
	}
}

func (r *replica) converse(c *net.TCPConn) {
	defer c.Close()
	br := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return
		}
		r.mu.Lock()
		r.requests, r.arrived = append(r.requests, req), append(r.arrived, time.Now())
		r.mu.Unlock()
		r.does(c)
	}
}

func (r *replica) seen() (requests, conns int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.requests), r.conns
}

// balance starts a balancer over the given endpoints.
func balance(t *testing.T, cfg Config, replicas ...*replica) *Balancer {
	b, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	for _, r := range replicas {
		if err := b.Add(t.Context(), r.addr); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// send sends one request on a new connection and returns the status and body; err is the error at
// the end of the body.
func send(t *testing.T, b *Balancer, method, body string) (status int, answer string, err error) {
	return sendTo(t, b.Addr(), method, body)
}

func sendTo(t *testing.T, addr, method, body string) (status int, answer string, err error) {
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+addr+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{DisableKeepAlives: true} // which also keeps it from trying again
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatalf("the balancer itself did not answer: %v", err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(got), err
}
