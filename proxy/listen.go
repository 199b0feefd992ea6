package proxy

import (
	"context"
	"net"
	"syscall"
	"time"
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

// refuseTimeout bounds a look whether the app still accepts: longer than that nobody takes to refuse.
const refuseTimeout = time.Second

// Refuses tells whether nobody listens at address. A connection that is accepted is closed at once.
func Refuses(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, refuseTimeout)
	defer cancel()
	c, err := DialTCP(address)(ctx)
	if err != nil {
		return isRefused(err)
	}
	_ = c.Close()
	return false
}
