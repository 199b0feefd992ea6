package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// roles are the programs that make the load. Each prints ready when it has connected, and runs until
// it is stopped, but for the one that ends by itself.
var roles = map[string]func(args []string) error{
	"app": serveApp, "open": openConnections, "call": call, "end": endConnections, "fill": fill,
}

const ready = "ready"

// serveApp answers each byte with one.
func serveApp(args []string) error {
	ln, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
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

// dialFrom connects from an address of the loopback network, of which there are enough that ports do
// not run out, and exchanges a byte.
func dialFrom(n int, to string) (net.Conn, error) {
	d := net.Dialer{
		LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+n%250))},
		Control: func(_, _ string, c syscall.RawConn) error { // the port is chosen when it connects
			return c.Control(func(fd uintptr) {
				_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
			})
		},
	}
	c, err := d.Dial("tcp", to)
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

// call opens connections at a rate. Each has one exchange.
func call(args []string) error {
	rate, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, ready)
	begun := time.Now()
	for i := 0; ; i++ {
		<-time.After(time.Until(begun.Add(time.Duration(i) * time.Second / time.Duration(rate))))
		c, err := dialFrom(i, args[0])
		if err != nil {
			return err
		}
		_ = c.Close()
	}
}

// enders is how many connections are made at a time to end many a second.
const enders = 16

// endConnections ends connections for some time as fast as it can, and prints how many it has ended,
// and in how many nanoseconds.
func endConnections(args []string) error {
	last, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	var ended atomic.Int64
	var running sync.WaitGroup
	errs := make([]error, enders)
	begun := time.Now()
	for i := range enders {
		running.Go(func() {
			for time.Since(begun) < last {
				c, err := dialFrom(i, args[0])
				if err != nil {
					errs[i] = err
					return
				}
				_ = c.(*net.TCPConn).SetLinger(0) // keeps no port
				_ = c.Close()
				ended.Add(1)
			}
		})
	}
	running.Wait()
	fmt.Fprintln(os.Stdout, ready, ended.Load(), time.Since(begun).Nanoseconds())
	return errors.Join(errs...)
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
