package integration

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"
)

// A distantConn is a connection with latency in both directions.
type distantConn struct {
	net.Conn
	latency   time.Duration
	sent      chan flight
	received  chan flight // closed when the other side has ended
	err       error       // of the other side; valid when received is closed
	unread    []byte      // has arrived; owned by Read
	closed    chan struct{}
	closeOnce sync.Once
}

func (d *distantConn) Write(b []byte) (int, error) {
	select {
	case <-d.closed:
		return 0, net.ErrClosed
	case d.sent <- flight{slices.Clone(b), time.Now().Add(d.latency)}:
		return len(b), nil
	}
}

// send delivers what has been written, and then the end.
func (d *distantConn) send() {
	defer d.Conn.Close()
	for {
		select {
		case f := <-d.sent:
			d.arrive(f)
		case <-d.closed:
			for len(d.sent) > 0 {
				d.arrive(<-d.sent)
			}
			return
		}
	}
}

func (d *distantConn) arrive(f flight) {
	<-time.After(time.Until(f.arrives))
	_, _ = d.Conn.Write(f.bytes) // Read returns the error
}

func (d *distantConn) receive() {
	defer close(d.received)
	b := make([]byte, 32<<10)
	for {
		n, err := d.Conn.Read(b)
		if err != nil {
			d.err = err
			return
		}
		select {
		case d.received <- flight{slices.Clone(b[:n]), time.Now().Add(d.latency)}:
		case <-d.closed:
			d.err = net.ErrClosed
			return
		}
	}
}

func (d *distantConn) Read(b []byte) (int, error) {
	if len(d.unread) == 0 {
		select {
		case <-d.closed:
			return 0, net.ErrClosed
		case f, ok := <-d.received:
			if !ok {
				return 0, d.err
			}
			<-time.After(time.Until(f.arrives))
			d.unread = f.bytes
		}
	}
	n := copy(b, d.unread)
	d.unread = d.unread[n:]
	return n, nil
}

// Close does not discard what has been written.
func (d *distantConn) Close() error {
	d.closeOnce.Do(func() { close(d.closed) })
	return nil
}

// A flight is data that has not arrived yet.
type flight struct {
	bytes   []byte
	arrives time.Time
}

// maxFlights bounds the flights in one direction.
const maxFlights = 1024

// dialDistant connects to an address with a latency.
func dialDistant(ctx context.Context, address string, latency time.Duration) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	d := &distantConn{
		Conn: c, latency: latency,
		sent: make(chan flight, maxFlights), received: make(chan flight, maxFlights), closed: make(chan struct{}),
	}
	go d.send()
	go d.receive()
	return d, nil
}

// dialSlowly connects with a bandwidth of 200 KB/s.
func dialSlowly(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	return slowConn{c}, err
}

type slowConn struct{ net.Conn }

func (c slowConn) Read(b []byte) (int, error) {
	<-time.After(80 * time.Millisecond)
	return c.Conn.Read(b[:min(len(b), 16<<10)])
}
