// Command listener listens.
package main

import (
	"net"

	"lameduck/bench/start/hold"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	hold.Check(err)
	defer l.Close()
	hold.Forever()
}
