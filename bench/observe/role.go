package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// roles are the programs that make the load. Each prints ready when it has connected, and runs until
// it is stopped, but for the one that ends by itself.
var roles = map[string]func(args []string) error{
	"app": serveApp, "open": openConnections, "call": call, "end": endConnections, "fill": fill,
	"pod": serveAndCall,
}

const ready = "ready"

// serveApp answers each byte with one.
func serveApp(args []string) error {
	ln, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	return serveListener(ln)
}

func serveListener(ln net.Listener) error {
	fmt.Fprintln(os.Stdout, ready)
	for {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			var b [1]byte
			for {
				if _, err := io.ReadFull(c, b[:]); err != nil {
					return
				}
				if _, err := c.Write(b[:]); err != nil {
					return
				}
			}
		}()
	}
}

// dialer returns a dialer that connects from an address of the loopback network, of which there are
// enough that ports do not run out.
func dialer(n int) *net.Dialer {
	return &net.Dialer{
		LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+n%250))},
		Control: func(_, _ string, c syscall.RawConn) error { // the port is chosen when it connects
			return c.Control(func(fd uintptr) {
				_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
			})
		},
	}
}

// dialFrom connects from the address of a number, and exchanges a byte.
func dialFrom(n int, to string) (net.Conn, error) {
	c, err := dialer(n).Dial("tcp", to)
	if err != nil {
		return nil, err
	}
	b := []byte{1}
	if _, err = c.Write(b); err == nil {
		_, err = io.ReadFull(c, b)
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// openConnections opens connections and keeps them.
func openConnections(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	for i := range n {
		if _, err := dialFrom(i, args[0]); err != nil {
			return err
		}
	}
	fmt.Fprintln(os.Stdout, ready)
	select {}
}

// release is the signal on which clients close their ends.
const release = syscall.SIGUSR1

// call opens connections at a rate. Each has one exchange, and then ends for the app. The clients of
// a pod are on other machines, and the ends of sockets are reported here for all that the kernel has:
// so the clients end their side and keep their sockets until they are released.
func call(args []string) error {
	rate, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	released := make(chan os.Signal, 1)
	signal.Notify(released, release)
	fmt.Fprintln(os.Stdout, ready)
	var ended []net.Conn
	begun := time.Now()
	for i := 0; ; i++ {
		select {
		case <-released:
			for _, c := range ended {
				_ = c.Close()
			}
			ended = ended[:0]
		case <-time.After(time.Until(begun.Add(time.Duration(i) * time.Second / time.Duration(rate)))):
		}
		c, err := dialFrom(i, args[0])
		if err == nil {
			err = c.(*net.TCPConn).CloseWrite()
		}
		if err != nil {
			return err
		}
		ended = append(ended, c)
	}
}

// serveAndCall is an app and what calls it, in a network namespace of its own.
func serveAndCall(args []string) error {
	if err := raiseLoopback(); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	failed := make(chan error, 2)
	go func() { failed <- serveListener(ln) }()
	go func() { failed <- call(args) }()
	return <-failed
}

// pairs is how many connections are open before they are ended. A process may have 20,000 files.
const pairs = 8000

// A pair has both ends of a connection.
type pair struct{ client, server net.Conn }

// endConnections is an app and its clients in one. In each round it opens connections, and then ends
// them at a rate a second, or as fast as it can if that is 0. It prints how many it has ended, and in
// how many nanoseconds.
func endConnections(args []string) error {
	rate, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	rounds, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	defer ln.Close()
	var took time.Duration
	open := make([]pair, pairs)
	for range rounds {
		for i := range open {
			if open[i], err = connectPair(i, ln); err != nil {
				return err
			}
		}
		took += endAll(open, rate)
	}
	fmt.Fprintln(os.Stdout, ready, rounds*pairs, took.Nanoseconds())
	return nil
}

// connectPair opens a connection on which the client has sent a byte.
func connectPair(n int, ln net.Listener) (p pair, err error) {
	if p.client, err = dialer(n).Dial("tcp", ln.Addr().String()); err != nil {
		return p, err
	}
	if p.server, err = ln.Accept(); err != nil {
		return p, err
	}
	b := []byte{1}
	if _, err = p.client.Write(b); err == nil {
		_, err = io.ReadFull(p.server, b)
	}
	return p, err
}

// endAll resets all connections as their clients, which keeps no port, and then closes them as the
// app, in the time that it returns. The kernel reports an end when the app has closed.
func endAll(open []pair, rate int) time.Duration {
	for _, p := range open {
		_ = p.client.(*net.TCPConn).SetLinger(0)
		_ = p.client.Close()
	}
	begun := time.Now()
	for i, p := range open {
		if rate > 0 {
			<-time.After(time.Until(begun.Add(time.Duration(i) * time.Second / time.Duration(rate))))
		}
		_ = p.server.Close()
	}
	return time.Since(begun)
}

// fill opens connections to itself.
func fill(args []string) error {
	if err := raiseLoopback(); err != nil {
		return err
	}
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	for i := range n {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+i%250))}}
		if _, err := d.Dial("tcp", ln.Addr().String()); err != nil {
			return err
		}
		if _, err := ln.Accept(); err != nil {
			return err
		}
	}
	fmt.Fprintln(os.Stdout, ready)
	select {}
}

// raiseLoopback brings the loopback interface of a new network namespace up.
func raiseLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}
