package sockdiag

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"golang.org/x/net/bpf"
)

// passes reports whether a filter lets the end of a connection pass.
func passes(t *testing.T, vm *bpf.VM, local uint16, remote netip.Addr) bool {
	t.Helper()
	message := make([]byte, headerSize+messageSize)
	body := message[headerSize:]
	body[0] = familyIPv6
	if remote.Is4() {
		body[0] = familyIPv4
	}
	binary.BigEndian.PutUint16(body[4:], local)
	copy(body[24:], remote.AsSlice())
	n, err := vm.Run(message)
	if err != nil {
		t.Fatal(err)
	}
	if n != 0 && n < len(message) {
		t.Fatalf("%d of %d bytes pass, want all or none", n, len(message))
	}
	return n != 0
}

func TestEndsFilter_DropsOtherPortsAndTheLoopbackClientsOfSome(t *testing.T) {
	client, relay := []string{
		"10.1.2.3", "127.0.0.2", "0.0.0.0", "2001:db8::1", "::ffff:10.1.2.3", "::ffff:127.0.0.2", "::2", "fe80::1",
		"0:0:1::1", "::1:0:0:1",
	}, []string{"127.0.0.1", "::1", "::ffff:127.0.0.1"}
	for name, ports := range map[string]struct{ all, remote []uint16 }{
		"all of one":              {all: []uint16{8080}},
		"remote of one":           {remote: []uint16{9090}},
		"several of each":         {all: []uint16{80, 8080, 443}, remote: []uint16{9090, 9091}},
		"as many as there may be": {all: numbers(1000, MaxPorts/2), remote: numbers(2000, MaxPorts/2)},
	} {
		t.Run(name, func(t *testing.T) {
			vm, err := bpf.NewVM(endsFilter(ports.all, ports.remote))
			if err != nil {
				t.Fatal(err)
			}
			check := func(port uint16, from []string, want bool) {
				t.Helper()
				for _, addr := range from {
					if got := passes(t, vm, port, netip.MustParseAddr(addr)); got != want {
						t.Errorf("from %s at port %d: passes %v, want %v", addr, port, got, want)
					}
				}
			}
			for _, port := range ports.all {
				check(port, client, true)
				check(port, relay, true)
			}
			for _, port := range ports.remote {
				check(port, client, true)
				check(port, relay, false)
			}
			check(1, client, false)
			check(1, relay, false)
		})
	}
}

// numbers returns n numbers from first on.
func numbers(first uint16, n int) (all []uint16) {
	for i := range n {
		all = append(all, first+uint16(i))
	}
	return all
}

func TestEndsFilter_DropsNothingIfThereAreTooManyPorts(t *testing.T) {
	vm, err := bpf.NewVM(endsFilter(numbers(1000, 200), numbers(2000, 200)))
	if err != nil {
		t.Fatal(err)
	}
	for _, port := range []uint16{1000, 1199, 2000, 2199} {
		if !passes(t, vm, port, netip.MustParseAddr("10.1.2.3")) {
			t.Errorf("the end of a connection at port %d was dropped", port)
		}
	}
}
