package port

import (
	"net"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"
)

func TestNoPortIsReturnedTwiceInARow(t *testing.T) {
	seen := make(map[string]bool)
	for range 100 {
		addr, err := Addr()
		if err != nil {
			t.Fatal(err)
		}
		if seen[addr] {
			t.Fatalf("%s was returned twice", addr)
		}
		seen[addr] = true
	}
}

func TestAPortWithAListenerIsNotFree(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if isFree(l.Addr().(*net.TCPAddr).Port) {
		t.Errorf("%s was reported free although it is in use", l.Addr())
	}
}

// A program that does not set SO_REUSEADDR could not bind it.
func TestAPortInTimeWaitIsNotFree(t *testing.T) {
	n, err := Next()
	if err != nil {
		t.Fatal(err)
	}
	leaveTimeWait(t, n)
	if isFree(n) {
		t.Errorf("port %d was reported free while a connection is in TIME_WAIT", n)
	}
}

func leaveTimeWait(t *testing.T, port int) {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = server.Close() // the side that closes first gets the state TIME_WAIT
	_, _ = client.Read(make([]byte, 1))
}

func TestABlockBelongsToOneProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux's abstract sockets")
	}
	n, err := Next()
	if err != nil {
		t.Fatal(err)
	}
	block := (n - lowest) / size
	if c, err := claim(block); err == nil {
		_ = c.Close()
		t.Errorf("block %d of this process was claimed again", block)
	}
}

// A program that is being started has copies of all descriptors between its fork and its execve, of
// the probe's listener too.
func TestNoPortIsProbedWhileAProgramIsBeingStarted(t *testing.T) {
	syscall.ForkLock.Lock() // as package os does, for the time between the two
	probed := make(chan struct{})
	go func() {
		defer close(probed)
		if _, err := Next(); err != nil {
			t.Error(err)
		}
	}()
	select {
	case <-probed:
		t.Error("a port was probed while a program was being started")
	case <-time.After(50 * time.Millisecond):
	}
	syscall.ForkLock.Unlock()
	<-probed
}
