package proxy

import (
	"context"
	"net"
	"syscall"
)

// Listen takes a TCP address for clients. Socket options are set once, on the listener, from which the connections have them.
func Listen(address string) (net.Listener, error) {
	config := net.ListenConfig{
		KeepAlive: -1,
		Control: func(_, _ string, c syscall.RawConn) error {
			return c.Control(setKeepAlive)
		},
	}
	config.SetMultipathTCP(false) // Go's default makes each connection dearer to accept, and the app has none of it
	return config.Listen(context.Background(), "tcp", address)
}
