package integration

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"
)

// A distantConn is a connection over some distance: what it writes arrives a while later, and what it reads has been on its way
// for as long.
type distantConn struct {
	net.Conn
	distance  time.Duration
	sent      chan flight
	received  chan flight // closed when the other side has ended
	err       error       // how; to be read when received is closed
	unread    []byte      // of what has arrived; owned by Read
	closed    chan struct{}
	closeOnce sync.Once
}

func (d *distantConn) Write(b []byte) (int, error) {
	select {
	case <-d.closed:
		return 0, net.ErrClosed
	case d.sent <- flight{slices.Clone(b), time.Now().Add(d.distance)}:
		return len(b), nil
	}
}

// send lets what has been written arrive, and then the end.
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
	_, _ = d.Conn.Write(f.bytes) // Read finds out what is wrong
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
		case d.received <- flight{slices.Clone(b[:n]), time.Now().Add(d.distance)}:
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

// Close lets what has been written arrive yet.
func (d *distantConn) Close() error {
	d.closeOnce.Do(func() { close(d.closed) })
	return nil
}

// A flight is a part of what is under way.
type flight struct {
	bytes   []byte
	arrives time.Time
}

// maxFlights bounds the parts that are under way in one direction.
const maxFlights = 1024

// dialDistant connects to an address over a distance.
func dialDistant(ctx context.Context, address string, distance time.Duration) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	d := &distantConn{
		Conn: c, distance: distance,
		sent: make(chan flight, maxFlights), received: make(chan flight, maxFlights), closed: make(chan struct{}),
	}
	go d.send()
	go d.receive()
	return d, nil
}

// dialSlowly connects over a line that takes 10 s for the file.
func dialSlowly(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	return slowConn{c}, err
}

type slowConn struct{ net.Conn }

func (c slowConn) Read(b []byte) (int, error) {
	<-time.After(80 * time.Millisecond)
	return c.Conn.Read(b[:min(len(b), 16<<10)])
}
