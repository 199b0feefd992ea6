package sockdiag

import (
	"fmt"
	"os"
)

// EphemeralPorts returns the range from which the kernel chooses the local ports of connections
// (ip(7), ip_local_port_range), or Linux's default range if it cannot be read.
func EphemeralPorts() (first, last uint16) {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if n, _ := fmt.Sscan(string(text), &first, &last); err != nil || n != 2 {
		return 32768, 60999
	}
	return first, last
}
