// Command server serves HTTP.
package main

import (
	"net"
	"net/http"

	"lameduck/bench/start/hold"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	hold.Check(err)
	go func() { hold.Check(http.Serve(l, nil)) }()
	hold.Forever()
}
