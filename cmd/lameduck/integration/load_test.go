package integration

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// A load sends requests as a load balancer does, some of them on keep-alive connections. It never
// retries: each request without the expected answer is a loss.
type load struct {
	address string
	kinds   []kind
	stopc   chan struct{} // closed when no further request may be sent
	workers sync.WaitGroup

	mu       sync.Mutex
	answered map[string]int // by kind
	closes   int            // answers with the close option on keep-alive connections
	losses   []string
}

// A kind of requests.
type kind struct {
	name   string
	method string
	path   string
	status int
	echo   bool // the request has a body, and the answer has the same
	keep   bool // the connection is kept alive
}

// pace is the pause of a worker between two requests.
const pace = 10 * time.Millisecond

// startLoad starts two workers per kind.
func startLoad(t *testing.T, address string, kinds []kind) *load {
	t.Helper()
	l := &load{address: address, kinds: kinds, stopc: make(chan struct{}), answered: make(map[string]int)}
	for _, k := range kinds {
		for n := range 2 {
			l.workers.Go(func() { l.work(k, n) })
		}
	}
	t.Cleanup(l.stop)
	return l
}

// stop sends no further requests and waits for the answers.
func (l *load) stop() {
	l.mu.Lock()
	if !l.stopped() {
		close(l.stopc)
	}
	l.mu.Unlock()
	l.workers.Wait()
}

func (l *load) stopped() bool {
	select {
	case <-l.stopc:
		return true
	default:
		return false
	}
}

// awaitAnswers waits until every kind has had n answers.
func (l *load) awaitAnswers(t *testing.T, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d answers of each kind", n), func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, k := range l.kinds {
			if l.answered[k.name] < n {
				return false
			}
		}
		return true
	})
}

// closeOptions returns the number of answers with the close option on connections that are kept.
func (l *load) closeOptions() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closes
}

// awaitCloseOption waits until more than n answers have had the close option.
func (l *load) awaitCloseOption(t *testing.T, n int) {
	t.Helper()
	eventually(t, "an answer has the close option", func() bool { return l.closeOptions() > n })
}

// work sends one request after the other.
func (l *load) work(k kind, worker int) {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	var c *loadConn
	for n := 0; ; n++ {
		select {
		case <-l.stopc:
			c.close()
			return
		case <-ticker.C:
		}
		c = l.exchange(k, c, fmt.Sprintf("worker %d request %d", worker, n))
	}
}

// exchange sends a request on c, or on a new connection if c is nil. It returns the connection if
// it is kept alive.
func (l *load) exchange(k kind, c *loadConn, body string) *loadConn {
	if c == nil {
		var err error
		if c, err = dialLoad(l.address); err != nil {
			l.lose(k, err)
			return nil
		}
	}
	closes, err := c.exchange(k, body)
	if err != nil {
		l.lose(k, err)
	} else {
		l.count(k, closes)
	}
	if err != nil || closes || !k.keep {
		c.close()
		return nil
	}
	return c
}

func (l *load) lose(k kind, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.losses = append(l.losses, fmt.Sprintf("%s: %v", k.name, err))
}

func (l *load) count(k kind, closes bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answered[k.name]++
	if closes && k.keep {
		l.closes++
	}
}

// wantNoLoss expects that every request was answered, and that some answers had the close option.
func (l *load) wantNoLoss(t *testing.T) {
	t.Helper()
	if len(l.losses) > 0 {
		t.Errorf("%d requests lost, %v answered; the first losses:\n%s",
			len(l.losses), l.answered, strings.Join(l.losses[:min(len(l.losses), 10)], "\n"))
	}
	if l.closes == 0 {
		t.Error("no answer has the close option")
	}
	t.Logf("answered: %v", l.answered)
}

type loadConn struct {
	net.Conn
	r *bufio.Reader
}

func dialLoad(address string) (*loadConn, error) {
	c, err := net.DialTimeout("tcp", address, waitTimeout)
	if err != nil {
		return nil, err
	}
	return &loadConn{c, bufio.NewReader(c)}, nil
}

func (c *loadConn) close() {
	if c != nil {
		_ = c.Close()
	}
}

// exchange sends one request and checks the answer.
func (c *loadConn) exchange(k kind, body string) (closes bool, err error) {
	if !k.echo {
		body = ""
	}
	_ = c.SetDeadline(time.Now().Add(waitTimeout))
	if err := c.send(k, body); err != nil {
		return false, fmt.Errorf("send: %w", err)
	}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return false, fmt.Errorf("receive head: %w", err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return false, fmt.Errorf("receive body: %w", err)
	case resp.StatusCode != k.status:
		return false, fmt.Errorf("answered %s, want %d", resp.Status, k.status)
	case k.echo && string(got) != body:
		return false, fmt.Errorf("answered %q, want %q", got, body)
	}
	return resp.Close, nil
}

func (c *loadConn) send(k kind, body string) error {
	var connection string
	if !k.keep {
		connection = "Connection: close\r\n"
	}
	var length string
	if k.method == http.MethodPost {
		length = fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	_, err := fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: app\r\n%s%s\r\n%s", k.method, k.path, connection, length, body)
	return err
}
