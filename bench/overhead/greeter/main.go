// Command greeter makes a request over TLS on each of many new connections, as fast as they are
// answered, and prints how many as JSON.
//
//	greeter -duration 1s -clients 32 -resume 127.0.0.1:8443
//
// Each connection has a full handshake or, with -resume, resumes a session of an earlier one. It is
// an error if it does not, or if its cipher suite is another than that of all peers.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"lameduck/bench/overhead/handshake"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "greeter:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("greeter", flag.ContinueOnError)
	duration := flags.Duration("duration", time.Second, "`time` during which connections are opened")
	clients := flags.Int("clients", 32, "`number` of connections at a time")
	resume := flags.Bool("resume", false, "resume sessions")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 || *clients < 1 {
		return errors.New("usage: greeter [flags] HOST:PORT")
	}
	g := greeter{address: flags.Arg(0), config: handshake.Config(handshake.Forget{})}
	if *resume {
		g.config = handshake.Config(tls.NewLRUClientSessionCache(1))
		if err := g.greet(context.Background()); err != nil {
			return fmt.Errorf("get a session: %w", err)
		}
		g.resume = true
	}
	s, err := g.load(*duration, *clients)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(s)
}
