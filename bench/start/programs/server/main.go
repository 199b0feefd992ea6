// Command server serves HTTP.
package main

import (
	"net"
	"net/http"
	"time"

	"lameduck/bench/start/hold"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	hold.Check(err)
	server := http.Server{ReadHeaderTimeout: time.Minute}
	go func() { hold.Check(server.Serve(l)) }()
	hold.Forever()
}
