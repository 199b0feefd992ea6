package measure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"

	"github.com/coder/websocket"

	"lameduck/bench/openloop"
)

// closeCode is a WebSocket that the server closed with a code that means a failure.
const closeCode openloop.Cause = "close"

// A socket is a WebSocket. A goroutine reads it, since only then are pongs and close frames seen.
type socket struct {
	*websocket.Conn
	addr string
	read chan struct{} // closed when reading has ended
	end  error         // of reading; set before read is closed
}

// dialSocket opens a WebSocket with the header of a request.
func (d dialer) dialSocket(ctx context.Context, r *http.Request) (*socket, string, error) {
	addr := d.book.pick()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return d.dial(ctx, addr, WebSocket) }
	// Connections are not reused, and net/http repeats only requests on reused ones.
	transport := &http.Transport{DialContext: dial, DialTLSContext: dial, DisableKeepAlives: true}
	c, resp, err := websocket.Dial(ctx, r.URL.String(), &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport, CheckRedirect: keepRedirect}, HTTPHeader: r.Header, Host: r.Host,
	})
	if err != nil {
		return nil, addr, handshake(resp, err)
	}
	c.SetReadLimit(-1) // what the app sends is discarded
	s := &socket{Conn: c, addr: addr, read: make(chan struct{})}
	go s.discard()
	return s, addr, nil
}

func keepRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// handshake returns the failure of an opening handshake, without the URL, which may have secrets.
func handshake(resp *http.Response, err error) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	switch {
	case resp != nil && resp.StatusCode != http.StatusSwitchingProtocols:
		return openloop.StatusFailure(resp.StatusCode)
	case openloop.CauseOf(err) != openloop.Local: // it has a cause from the dialer
		return err
	}
	return openloop.EndFailure(fmt.Errorf("WebSocket handshake: %w", err))
}

// discard reads messages until the WebSocket ends.
func (s *socket) discard() {
	defer close(s.read)
	for {
		_, r, err := s.Reader(context.Background())
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		if err != nil {
			s.end = err
			return
		}
	}
}

// ended reports whether the WebSocket has ended.
func (s *socket) ended() bool {
	select {
	case <-s.read:
		return true
	default:
		return false
	}
}

// close closes the WebSocket and waits for its goroutine.
func (s *socket) close() {
	_ = s.CloseNow()
	<-s.read
}

// exchange sends a ping and waits for its pong. It returns nil, too, if the server closes the
// WebSocket meanwhile with a code that asks the client to connect again.
func (s *socket) exchange(ctx context.Context) error {
	err := s.Ping(ctx)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil && !s.ended() {
		return openloop.Fail(openloop.Timeout, fmt.Errorf("wait for pong: %w", err))
	}
	s.close()
	return socketEnd(s.end)
}

// socketEnd returns the failure of a WebSocket that has ended, or nil if its server has closed it
// properly: 1000 (normal), 1001 (going away) and 1012 (service restart).
func socketEnd(err error) error {
	switch code := websocket.CloseStatus(err); code {
	case websocket.StatusNormalClosure, websocket.StatusGoingAway, websocket.StatusServiceRestart:
		return nil
	case -1:
		if errors.Is(err, net.ErrClosed) { // this side has closed it after a failed write
			err = io.EOF
		}
		return openloop.EndFailure(fmt.Errorf("WebSocket ended without a close frame: %w", err))
	default:
		return openloop.Fail(closeCode, fmt.Errorf("WebSocket closed with code %d", code))
	}
}

// A socketPool keeps WebSockets and uses them in turn. One that has ended without a proper close is a
// loss for its client even if it was idle, so the next request that is its turn counts it.
type socketPool struct {
	dialer dialer

	mu    sync.Mutex
	slots []*socket
	next  int
}

func newSocketPool(d dialer, size int) *socketPool {
	return &socketPool{dialer: d, slots: make([]*socket, size)}
}

// take returns the next slot with its WebSocket, which is nil if there is none.
func (p *socketPool) take() (slot int, s *socket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	slot = p.next % len(p.slots)
	p.next++
	s = p.slots[slot]
	if s != nil && s.ended() {
		p.slots[slot] = nil
	}
	return slot, s
}

// put keeps a new WebSocket, unless its slot has one.
func (p *socketPool) put(slot int, s *socket) {
	p.mu.Lock()
	kept := p.slots[slot] == nil && !s.ended()
	if kept {
		p.slots[slot] = s
	}
	p.mu.Unlock()
	if !kept {
		_ = s.Close(websocket.StatusNormalClosure, "") // the app may not answer it
		s.close()
	}
}

func (p *socketPool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.slots {
		if s != nil {
			s.close()
		}
	}
}

// do makes one exchange on the next WebSocket.
func (p *socketPool) do(ctx context.Context, r *http.Request) (string, error) {
	slot, s := p.take()
	if s != nil && s.ended() {
		s.close()
		if err := socketEnd(s.end); err != nil {
			return s.addr, err
		}
		s = nil
	}
	if s != nil {
		return s.addr, s.exchange(ctx)
	}
	s, addr, err := p.dialer.dialSocket(ctx, r)
	if err != nil {
		return addr, err
	}
	err = s.exchange(ctx)
	p.put(slot, s)
	return addr, err
}
