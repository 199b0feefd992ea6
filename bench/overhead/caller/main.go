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
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "caller:", err)
		os.Exit(1)
	}
}

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
	if err := f.Parse(args); err != nil {
		return l, err
	}
	l.address, l.method = f.Arg(0), f.Arg(1)
	switch {
	case f.NArg() != 2:
		return l, fmt.Errorf("arguments %q: want an address and a method", f.Args())
	case l.connections < 1 || l.calls < 1:
		return l, fmt.Errorf("-connections %d -calls %d: both must be at least 1", l.connections, l.calls)
	case l.duration <= 0:
		return l, fmt.Errorf("-duration %s: must be above zero", l.duration)
	}
	return l, nil
}
