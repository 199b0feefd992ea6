package rollout

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"
)

// A witness relays HTTP/1.1 requests to a load balancer, and counts them independently: an answer
// with its last byte, a status, or a connection that ends without one.
type witness struct {
	listener net.Listener
	target   string
	conns    sync.WaitGroup

	mu         sync.Mutex
	requests   int
	lost       map[string]int // by cause, named like those of measure
	losses     []time.Time    // arrivals of the lost requests
	last       time.Time      // arrival of the last request
	longestGap time.Duration  // between two requests
}

func newWitness(t *testing.T, target string) *witness {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{listener: l, target: target, lost: map[string]int{}}
	w.conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.conns.Go(func() { w.serve(c.(*net.TCPConn)) })
		}
	})
	return w
}

// close returns when all connections have ended.
func (w *witness) close() {
	w.listener.Close()
	w.conns.Wait()
}

// serve relays the requests of a connection, one at a time.
func (w *witness) serve(client *net.TCPConn) {
	defer client.Close()
	server, err := net.Dial("tcp", w.target)
	if err != nil {
		return
	}
	answers, sent := make(chan *http.Response), make(chan *http.Request, 1)
	passedOn := make(chan struct{})
	var reading sync.WaitGroup
	defer reading.Wait()
	defer close(passedOn)
	defer server.Close()
	reading.Go(func() {
		defer close(answers)
		read(bufio.NewReader(server), sent, answers, passedOn)
		client.CloseWrite() // also if no request is outstanding
	})
	for from := bufio.NewReader(client); ; {
		r, err := http.ReadRequest(from)
		if err != nil {
			return
		}
		if !w.exchange(client, server, r, sent, answers) {
			return
		}
		passedOn <- struct{}{}
	}
}

// read reads responses until the load balancer closes the connection. It reads on when each has
// been passed on.
func read(
	from *bufio.Reader, sent <-chan *http.Request, answers chan<- *http.Response, passedOn <-chan struct{},
) {
	for {
		if _, err := from.Peek(1); err != nil {
			return
		}
		resp, err := http.ReadResponse(from, <-sent)
		if err != nil {
			return
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return
		}
		resp.Body = io.NopCloser(bytes.NewReader(body))
		answers <- resp
		if _, more := <-passedOn; !more {
			return
		}
	}
}

// exchange passes one request on, and its response. It reports whether there was one.
func (w *witness) exchange(
	client, server net.Conn, r *http.Request, sent chan<- *http.Request, answers <-chan *http.Response,
) bool {
	came := time.Now()
	sent <- r
	_ = r.Write(server) // if it fails, there is no answer
	resp, answered := <-answers
	cause := ""
	switch {
	case !answered:
		cause = "closed"
	case resp.StatusCode != http.StatusOK:
		cause = strconv.Itoa(resp.StatusCode)
	}
	w.count(came, cause)
	return answered && resp.Write(client) == nil
}

func (w *witness) count(came time.Time, cause string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.requests > 0 {
		w.longestGap = max(w.longestGap, came.Sub(w.last))
	}
	w.requests++
	if came.After(w.last) {
		w.last = came
	}
	if cause != "" {
		w.lost[cause]++
		w.losses = append(w.losses, came)
	}
}

// forget resets the counts.
func (w *witness) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests, w.lost, w.losses, w.longestGap = 0, map[string]int{}, nil, 0
}

// lostBefore returns how many of the requests that arrived before a time were lost, and when the last
// of them arrived.
func (w *witness) lostBefore(end time.Time) (n int, last time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, came := range w.losses {
		if came.Before(end) {
			n++
			if came.After(last) {
				last = came
			}
		}
	}
	return n, last
}
