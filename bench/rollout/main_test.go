package rollout

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lameduck/bench/port"
)

// TestMain makes the test binary the program of every container. The variable ROLE selects what it
// does.
func TestMain(m *testing.M) {
	switch os.Getenv("ROLE") {
	case "":
		goleak.VerifyTestMain(m)
	case "serve":
		http.ListenAndServe(os.Getenv("ADDR"), http.NotFoundHandler())
	case "ready":
		http.ListenAndServe(os.Getenv("ADDR"), http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	case "deaf":
		signal.Ignore(syscall.SIGTERM)
		http.ListenAndServe(os.Getenv("ADDR"), http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	case "print":
		fmt.Println(strings.Join(os.Environ(), " "), os.Args[1:])
	case "fail":
		fmt.Println("no luck")
		os.Exit(3)
	case "parent":
		parent()
	}
}

// parent starts a child with a kubelet of its own and then waits to be killed.
func parent() {
	k := NewKubelet(context.Background(), "")
	p, err := k.Start(context.Background(), Spec{Containers: []Container{role("ready", os.Getenv("ADDR"))}})
	if err != nil {
		fmt.Println(err)
		return
	}
	p.Ready(context.Background())
	fmt.Println("started")
	<-p.containers[0].exited()
}

// quick makes a program that is built with the race detector exit without waiting for a second.
const quick = "GORACE=atexit_sleep_ms=0"

// role returns a container that plays the given role; those that serve do so at addr.
func role(name, addr string) Container {
	c := Container{Name: name, Path: os.Args[0], Env: []string{"ROLE=" + name, "ADDR=" + addr, quick}}
	if name == "ready" || name == "deaf" {
		c.Ready = "http://" + addr + "/"
	}
	return c
}

func freeAddr(t *testing.T) string {
	addr, err := port.Addr()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// kubelet returns a kubelet that runs until the test ends, and the directory of its logs.
func kubelet(t *testing.T) (*Kubelet, string) {
	logs := t.TempDir()
	k := NewKubelet(t.Context(), logs)
	t.Cleanup(k.Close)
	return k, logs
}

// run starts a pod of one container and waits until it is ready.
func run(t *testing.T, k *Kubelet, c Container) *Pod {
	p, err := k.Start(t.Context(), Spec{Name: "pod", Containers: []Container{c}})
	if err != nil {
		t.Fatal(err)
	}
	ready(t, p)
	return p
}

func ready(t *testing.T, p *Pod) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := p.Ready(ctx); err != nil {
		t.Fatal(err)
	}
}

// connect opens a connection that lasts until the process that serves addr exits.
func connect(t *testing.T, addr string) net.Conn {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
