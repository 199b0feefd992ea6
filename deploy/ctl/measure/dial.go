package measure

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"lameduck/bench/openloop"
)

// A dialer makes connections to the addresses of a URL.
type dialer struct {
	book *addressBook
	tls  *tls.Config // nil without TLS
}

// dial connects to an address and completes the TLS handshake for a protocol. Its error is a failure
// with an address.
func (d dialer) dial(ctx context.Context, addr string, p Protocol) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, openloop.DialFailure(err)
	}
	if d.tls == nil {
		return conn, nil
	}
	c := d.tls.Clone()
	c.NextProtos = []string{p.alpn()}
	secured := tls.Client(conn, c)
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, handshakeFailure(ctx, err)
	}
	if got := secured.ConnectionState().NegotiatedProtocol; p.isHTTP2() && got != p.alpn() {
		conn.Close()
		return nil, openloop.Fail(openloop.TLS, errNoHTTP2)
	}
	return secured, nil
}

var errNoHTTP2 = errors.New("TLS handshake: the server does not support HTTP/2")

// handshakeFailure distinguishes a handshake that TLS has refused from a connection that broke.
func handshakeFailure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = errors.Join(err, ctx.Err())
	}
	wrapped := fmt.Errorf("TLS handshake: %w", err)
	for _, broken := range []error{
		io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, context.DeadlineExceeded,
	} {
		if errors.Is(err, broken) {
			return openloop.EndFailure(wrapped)
		}
	}
	return openloop.Fail(openloop.TLS, wrapped)
}
