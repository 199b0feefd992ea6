// Command app is the app of the tests on a cluster: it dies of SIGTERM at once, and says when.
//
//	GET /            a line           POST /            the body
//	GET /?wait=5s    the line, later  GET /ws           a WebSocket that echoes
//	GET /live        the liveness     POST /live        the liveness fails from now on
//	POST /kill?name=lameduck          SIGKILL to a process of the pod, where they share a namespace
//
// With -grpc it has the gRPC health service instead.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// options say which app this is.
type options struct {
	listen     string
	grpc       bool
	startAfter time.Duration
	stopAfter  time.Duration
	endAfter   time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.listen, "listen", ":8080", "`address` to serve on")
	flag.BoolVar(&o.grpc, "grpc", false, "serve the gRPC health service")
	flag.DurationVar(&o.startAfter, "start-after", 0, "`time` until it listens")
	flag.DurationVar(&o.stopAfter, "stop-after", 0, "`time` from SIGTERM to the end")
	flag.DurationVar(&o.endAfter, "end-after", 0, "`time` after which it ends by itself, with success; 0: never")
	flag.Parse()
	go end(o)
	time.Sleep(o.startAfter)
	if err := serve(o); err != nil {
		fmt.Fprintln(os.Stderr, "app:", err)
		os.Exit(1)
	}
}

func serve(o options) error {
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	fmt.Println("listening")
	if o.grpc {
		return serveGRPC(l)
	}
	return serveHTTP(l)
}

// end ends the process when a signal says so, or by itself.
func end(o options) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGQUIT)
	var itself <-chan time.Time
	if o.endAfter > 0 {
		itself = time.After(o.endAfter)
	}
	select {
	case s := <-signals:
		say(s)
		time.Sleep(o.stopAfter)
	case <-itself:
	}
	os.Exit(0)
}

// say writes the time of a signal where it outlives the container.
func say(s os.Signal) {
	line := fmt.Sprintf("%v at %s\n", s, time.Now().UTC().Format(time.RFC3339Nano))
	os.Stdout.WriteString(line)
	if err := os.WriteFile("/dev/termination-log", []byte(line), 0o644); err != nil {
		fmt.Println(err)
	}
}
