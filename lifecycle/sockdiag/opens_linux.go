package sockdiag

import (
	"fmt"
	"os"
)

// PassiveOpens returns how many connections the listeners of the namespace have ever received, on
// all ports together. It needs no netlink.
func (*Conn) PassiveOpens() (uint64, error) {
	table, err := os.ReadFile("/proc/net/snmp")
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return parsePassiveOpens(string(table))
}
