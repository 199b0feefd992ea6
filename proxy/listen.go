package proxy

import (
	"context"
	"net"
	"syscall"
)

// Listen listens on a TCP address for clients. The network is tcp, tcp4 or tcp6, as of [net.Listen].
// Connections inherit the socket options of the listener.
func Listen(network, address string) (net.Listener, error) {
	config := net.ListenConfig{
		KeepAlive: -1,
		Control: func(_, _ string, c syscall.RawConn) error {
			return c.Control(setKeepAlive)
		},
	}
	// Multipath TCP, Go's default, makes each accept more expensive, and the app has no use for it.
	config.SetMultipathTCP(false)
	ln, err := config.Listen(context.Background(), network, address)
	if err != nil {
		return nil, err
	}
	return listenSocket(ln.(*net.TCPListener))
}
