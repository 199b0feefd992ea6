// Command netlink has an open socket of netlink.
package main

import (
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"lameduck/bench/start/hold"
)

func main() {
	c, err := netlink.Dial(unix.NETLINK_SOCK_DIAG, nil)
	hold.Check(err)
	defer c.Close()
	hold.Forever()
}
