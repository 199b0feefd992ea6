package proxy

import (
	"context"
	"net/netip"

	"lameduck/proxy/socket"
)

// dialSocket returns a Dialer that bypasses package net, or nil if the address has to be resolved.
func dialSocket(address string) Dialer {
	to, err := netip.ParseAddrPort(address)
	if err != nil || to.Addr().IsUnspecified() || to.Addr().Zone() != "" {
		return nil
	}
	return func(ctx context.Context) (Conn, error) {
		c, err := socket.Dial(ctx, to, connectTimeout)
		if err != nil {
			return nil, err
		}
		return c, nil
	}
}
