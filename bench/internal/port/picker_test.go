package port

import (
	"context"
	"net"
	"os/exec"
	"sync"
	"testing"
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
		t.Errorf("%s is called free while something listens on it", l.Addr())
	}
}

// A process has copies of all descriptors between its fork and its execve.
func TestAddrIsFreeWhileProgramsAreStarted(t *testing.T) {
	program, err := exec.LookPath("true")
	if err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var starting sync.WaitGroup
	for range 4 {
		starting.Go(func() {
			for ctx.Err() == nil {
				_ = exec.CommandContext(ctx, program).Run()
			}
		})
	}
	defer starting.Wait()
	defer cancel()
	var p Picker
	for range 2000 {
		addr, err := p.Addr()
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	}
}
