package port

import (
	"net"
	"syscall"
	"testing"
	"time"
)

func TestAddrIsFreeAndNeverGivenTwice(t *testing.T) {
	var p Picker
	seen := make(map[string]bool)
	for range 100 {
		addr, err := p.Addr()
		if err != nil {
			t.Fatal(err)
		}
		if seen[addr] {
			t.Fatalf("%s was given twice", addr)
		}
		seen[addr] = true
	}
}

func TestTakenPortIsNotFree(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if free(l.Addr().String()) {
		t.Errorf("%s was reported free although it is in use", l.Addr())
	}
}

// A program that is being started has copies of all descriptors between its fork and its execve, of
// the probe's listener too.
func TestNoPortIsProbedWhileAProgramIsBeingStarted(t *testing.T) {
	syscall.ForkLock.Lock() // as package os does, for the time between the two
	probed := make(chan struct{})
	go func() {
		defer close(probed)
		var p Picker
		if _, err := p.Addr(); err != nil {
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
