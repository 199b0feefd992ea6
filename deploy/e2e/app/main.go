// Command app is the app of the tests on a cluster. It exits on SIGTERM at once, and reports the
// time and the requests in flight.
//
//	GET /            a line           POST /            the body
//	GET /?wait=5s    the line, later  GET /ws           a WebSocket that echoes
//	GET /live        the liveness     POST /live        the liveness fails from now on
//	POST /kill?name=lameduck          SIGKILL to a process of the pod, where they share a namespace
//
// With -call it sends requests to an address, and GET /calls ends them and returns their number and
// the failures. With -grpc it has the gRPC health service instead, and with -mute it accepts
// connections and never answers. With -rules it prints the pod's rules of nftables and exits.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// options are the flags of the app.
type options struct {
	listen     string
	grpc       bool
	mute       bool
	startAfter time.Duration
	stopAfter  time.Duration
	endAfter   time.Duration
	call       string
	keep       bool
	rules      bool
}

func main() {
	var o options
	flag.StringVar(&o.listen, "listen", ":8080", "`address` to serve on")
	flag.BoolVar(&o.grpc, "grpc", false, "serve the gRPC health service")
	flag.BoolVar(&o.mute, "mute", false, "accept connections and never answer")
	flag.DurationVar(&o.startAfter, "start-after", 0, "`time` until it listens")
	flag.DurationVar(&o.stopAfter, "stop-after", 0, "`time` from SIGTERM to the end")
	flag.DurationVar(&o.endAfter, "end-after", 0, "`time` after which it ends by itself, with success; 0: never")
	flag.StringVar(&o.call, "call", "", "`host:port` to send a POST to every 3 to 4 s")
	flag.BoolVar(&o.keep, "keep", false, "keep the connections of -call")
	flag.BoolVar(&o.rules, "rules", false, "print the rules of nftables")
	flag.Parse()
	if o.rules {
		exit(printRules(os.Stdout))
	}
	listening := make(chan *hand, 1)
	go end(o, listening)
	time.Sleep(o.startAfter)
	if err := serve(o, listening); !errors.Is(err, net.ErrClosed) {
		exit(err)
	}
	select {} // it is terminating
}

// exit ends the app, with an error if there is one.
func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "app:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serve sends the hand of the app as soon as it listens. There is none for gRPC.
func serve(o options, listening chan<- *hand) error {
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	fmt.Println("listening")
	switch {
	case o.grpc:
		return serveGRPC(l)
	case o.mute:
		return keep(l)
	}
	h := newHand(l)
	listening <- h
	return serveHTTP(l, h, startCalls(o))
}

// keep accepts connections and keeps each open until its client closes it.
func keep(l net.Listener) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			io.Copy(io.Discard, c)
		}()
	}
}

// end ends the process on a signal, or after a time.
func end(o options, listening <-chan *hand) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGQUIT)
	var itself <-chan time.Time
	if o.endAfter > 0 {
		itself = time.After(o.endAfter)
	}
	select {
	case s := <-signals:
		if o.stopAfter > 0 {
			say(s, "")
			time.Sleep(o.stopAfter)
			break
		}
		select {
		case h := <-listening:
			say(s, fmt.Sprintf(" with %d in hand", h.close()))
		default:
			say(s, "")
		}
	case <-itself:
	}
	os.Exit(0)
}

// say writes the time of a signal and more to the termination log, which outlives the container.
func say(s os.Signal, more string) {
	line := fmt.Sprintf("%v at %s%s\n", s, time.Now().UTC().Format(time.RFC3339Nano), more)
	os.Stdout.WriteString(line)
	if err := os.WriteFile("/dev/termination-log", []byte(line), 0o644); err != nil {
		fmt.Println(err)
	}
}
