// Command crowd keeps a request in flight on each of many connections, and prints the latencies as
// JSON.
//
//	crowd -duration 3s -connections 10000 127.0.0.1:8080
//
// All connections are opened and used once before the load begins. Then each sends its next request
// as soon as it has its response. One thread serves them all with epoll, since it shares a core with
// the app. The end of the load is not counted: it waits for the responses of all requests.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"runtime"
	"time"
)

func main() {
	runtime.LockOSThread()
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "crowd:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("crowd", flag.ContinueOnError)
	duration := flags.Duration("duration", time.Second, "`time` during which requests are sent")
	connections := flags.Int("connections", 100, "`number` of connections")
	if err := flags.Parse(args); err != nil {
		return err
	}
	server, err := netip.ParseAddrPort(flags.Arg(0))
	if err != nil || !server.Addr().Is4() || flags.NArg() != 1 || *connections < 1 {
		return errors.New("usage: crowd [flags] IPV4:PORT")
	}
	c, err := gather(server, *connections)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.keepBusy(*duration); err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(c.summary(*duration))
}
