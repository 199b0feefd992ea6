// Command caller makes unary calls with grpc-go's client for some time and prints the number of
// answered calls as JSON. It expects the response of the gRPC app of bench/overhead. Any other
// response is an error.
//
//	caller -connections 8 -calls 8 -duration 1s 127.0.0.1:8080 /overhead.App/Call.grpc
//
// It is slower than any proxy. Its purpose is to check with a real gRPC client that frames, windows
// and trailers are correct.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"time"

	"lameduck/bench/internal/command"
)

func main() { command.Main("caller", run) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	l, err := parse(args, stderr)
	if err != nil {
		return err
	}
	s, err := l.run(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(s)
}

func parse(args []string, stderr io.Writer) (load, error) {
	var l load
	f := flag.NewFlagSet("caller", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&l.connections, "connections", 8, "`number` of connections")
	f.IntVar(&l.calls, "calls", 8, "`number` of calls at a time on each")
	f.DurationVar(&l.duration, "duration", time.Second, "`time` during which calls begin")
	err := command.ParseArgs(f, args, func(rest []string) error {
		l.address, l.method = f.Arg(0), f.Arg(1)
		switch {
		case len(rest) != 2:
			return fmt.Errorf("arguments %q: want an address and a method", rest)
		case l.connections < 1 || l.calls < 1:
			return fmt.Errorf("-connections %d -calls %d: both must be at least 1", l.connections, l.calls)
		case l.duration <= 0:
			return fmt.Errorf("-duration %s: must be above zero", l.duration)
		}
		return nil
	})
	return l, err
}
