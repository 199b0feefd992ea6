package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	if err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return
		}
		os.Exit(2)
	}
	ctx := context.Background()
	if o.graceful {
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, syscall.SIGTERM)
		defer stop()
	}
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "app:", err)
		os.Exit(1)
	}
}

// parse reads the flags. It writes errors and usage to w.
func parse(args []string, w io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("app", flag.ContinueOnError)
	flags.SetOutput(w)
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8080", "`address` to serve on")
	flags.BoolVar(&o.graceful, "graceful", false,
		"on SIGTERM stop listening and finish requests in flight, instead of exiting at once")
	flags.DurationVar(&o.startAfter, "start-after", 0, "`time` to wait before listening")
	flags.DurationVar(&o.idleTimeout, "idle-timeout", 0,
		"`time` after which an idle connection is closed (default never)")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		err := fmt.Errorf("app: unexpected argument %q: there are only flags, see -help", flags.Arg(0))
		fmt.Fprintln(w, err)
		return o, err
	}
	return o, nil
}
