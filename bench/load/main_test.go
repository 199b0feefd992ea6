package load

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A peer is the reaction of a scripted server to a request.
type peer func(c *net.TCPConn, body []byte)

// answer is a peer that writes the given bytes and leaves the connection open.
func answer(raw string) peer {
	return func(c *net.TCPConn, _ []byte) { io.WriteString(c, raw) }
}

// then is a peer that does one thing after another.
func then(steps ...peer) peer {
	return func(c *net.TCPConn, body []byte) {
		for _, step := range steps {
			step(c, body)
		}
	}
}

func finish(c *net.TCPConn, _ []byte) { c.Close() }

func reset(c *net.TCPConn, _ []byte) {
	c.SetLinger(0)
	c.Close()
}

// scripted is a server that answers the n-th request, over all connections, with the n-th peer; the
// last peer answers all further ones.
type scripted struct {
	addr string

	mu       sync.Mutex
	peers    []peer
	requests []string // the methods, in the order of arrival
	conns    int
}

func serve(t *testing.T, peers ...peer) *scripted {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &scripted{addr: l.Addr().String(), peers: peers}
	var wg sync.WaitGroup
	wg.Go(func() { s.accept(t, l, &wg) })
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return s
}

func (s *scripted) accept(t *testing.T, l net.Listener, wg *sync.WaitGroup) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		t.Cleanup(func() { c.Close() }) // runs before the listener's cleanup, which waits
		s.mu.Lock()
		s.conns++
		s.mu.Unlock()
		wg.Go(func() { s.converse(c.(*net.TCPConn)) })
	}
}

func (s *scripted) converse(c *net.TCPConn) {
	defer c.Close()
	br := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		s.next(r.Method)(c, body)
	}
}

func (s *scripted) next(method string) peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.peers[min(len(s.requests), len(s.peers)-1)]
	s.requests = append(s.requests, method)
	return p
}

// seen returns how many requests and connections the server has had.
func (s *scripted) seen() (requests, conns int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests), s.conns
}
