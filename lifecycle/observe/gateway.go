package observe

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net/netip"
	"os"
	"strings"
)

// Gateways returns the default gateways of the network namespace (Linux). In many networks that of a
// pod is an address of its node, from which the kubelet's probes come.
func Gateways() (all []netip.Addr) {
	for path, parse := range map[string]func(fields []string) netip.Addr{
		"/proc/net/route": gateway4, "/proc/net/ipv6_route": gateway6,
	} {
		if file, err := os.Open(path); err == nil {
			all = append(all, gateways(file, parse)...)
			_ = file.Close()
		}
	}
	return all
}

// gateways returns the gateways of a table of routes that has one in each line.
func gateways(table io.Reader, parse func(fields []string) netip.Addr) (all []netip.Addr) {
	for lines := bufio.NewScanner(table); lines.Scan(); {
		if ip := parse(strings.Fields(lines.Text())); ip.IsValid() && !ip.IsUnspecified() {
			all = append(all, ip)
		}
	}
	return all
}

// gateway4 returns the gateway of a route in /proc/net/route if it is a default route, and otherwise
// the zero address. The kernel prints an address as a number in its own byte order.
func gateway4(fields []string) netip.Addr {
	const destination, gateway, mask, columns = 1, 2, 7, 8
	if len(fields) < columns || fields[destination] != "00000000" || fields[mask] != "00000000" {
		return netip.Addr{}
	}
	number, err := hex.DecodeString(fields[gateway])
	if err != nil || len(number) != 4 {
		return netip.Addr{}
	}
	var b [4]byte
	binary.NativeEndian.PutUint32(b[:], binary.BigEndian.Uint32(number))
	return netip.AddrFrom4(b)
}

// gateway6 is gateway4 for /proc/net/ipv6_route.
func gateway6(fields []string) netip.Addr {
	const length, gateway, columns = 1, 4, 10
	if len(fields) < columns || fields[length] != "00" {
		return netip.Addr{}
	}
	b, err := hex.DecodeString(fields[gateway])
	if err != nil || len(b) != 16 {
		return netip.Addr{}
	}
	return netip.AddrFrom16([16]byte(b))
}
