package sockdiag

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// parsePassiveOpens returns the counter PassiveOpens of /proc/net/snmp. Each protocol has a line of
// names, and one of values.
func parsePassiveOpens(table string) (uint64, error) {
	var names []string
	for line := range strings.Lines(table) {
		columns := strings.Fields(line)
		if len(columns) == 0 || columns[0] != "Tcp:" {
			continue
		}
		if names == nil {
			names = columns
			continue
		}
		if i := slices.Index(names, "PassiveOpens"); i >= 0 && i < len(columns) {
			n, err := strconv.ParseUint(columns[i], 10, 64)
			if err != nil {
				return 0, fmt.Errorf("PassiveOpens: %w", err)
			}
			return n, nil
		}
	}
	return 0, fmt.Errorf("%w: no PassiveOpens in /proc/net/snmp", ErrUnavailable)
}
