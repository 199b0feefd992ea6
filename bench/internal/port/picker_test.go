package port

import (
	"net"
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
