// Command tunnel is both ends of a tunnel: the app and the load.
//
//	tunnel app ADDRESS
//	tunnel load -up -websocket -frame 16384 -connections 4 -duration 1s ADDRESS
//
// A connection starts with the client's request: a line such as "down 65536", or a WebSocket's
// opening handshake with a target such as /down?frame=16384. Then
//
//   - down: the app sends as fast as it can, in writes or WebSocket frames of that size.
//   - up: the client sends, and the app reads to the end and closes.
//   - echo: the app echoes.
//
// The load prints as JSON how many bytes have reached the other end, and in what time. Both ends
// share a core and must not be the bottleneck. So the kernel discards received bytes without a copy
// (MSG_TRUNC of tcp(7)).
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

func main() { command.Main("tunnel", run) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	switch {
	case len(args) == 2 && args[0] == "app":
		return serve(ctx, args[1])
	case len(args) > 0 && args[0] == "load":
		l, err := parseLoad(args[1:], stderr)
		if err != nil {
			return err
		}
		s, err := l.run(ctx)
		if err != nil {
			return err
		}
		return json.NewEncoder(stdout).Encode(s)
	}
	return fmt.Errorf("arguments %q: want app ADDRESS, or load with flags and ADDRESS", args)
}

func parseLoad(args []string, stderr io.Writer) (load, error) {
	l := load{}
	f := flag.NewFlagSet("tunnel load", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.BoolVar(&l.up, "up", false, "send, instead of receiving")
	f.BoolVar(&l.websocket, "websocket", false, "use WebSocket, instead of plain TCP")
	f.IntVar(&l.frame, "frame", 64<<10, "`bytes` of each write, or frame")
	f.IntVar(&l.connections, "connections", 4, "`number` of connections")
	f.DurationVar(&l.duration, "duration", time.Second, "`time` of the load")
	err := command.ParseArgs(f, args, func(rest []string) error {
		l.address = f.Arg(0)
		switch {
		case len(rest) != 1:
			return fmt.Errorf("arguments %q: want one address", rest)
		case l.frame < 1 || l.frame > largestFrame:
			return fmt.Errorf("-frame %d: must be from 1 to %d", l.frame, largestFrame)
		case l.connections < 1:
			return fmt.Errorf("-connections %d: must be at least 1", l.connections)
		case l.duration <= 0:
			return fmt.Errorf("-duration %s: must be above zero", l.duration)
		}
		return nil
	})
	return l, err
}
