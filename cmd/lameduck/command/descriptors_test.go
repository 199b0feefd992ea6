package command

import "testing"

func TestShareDescriptors(t *testing.T) {
	for _, tt := range []struct {
		limit                uint64
		connections, waiters int
	}{
		{1 << 20, 522_031, 1024},
		{65_536, 30_511, 1024},
		{20_000, 7_743, 1024},
		{1024, 287, 64},
		{256, 52, 16},
		{64, 13, 4},
		{0, 1, 1},
	} {
		d := shareDescriptors(tt.limit, 1)
		taken := 2*d.connections + 2*d.pipes + d.adminConns + d.controlConns + 2*d.waiters
		if tt.limit >= 64 && taken > int(tt.limit)*3/4 && taken > int(tt.limit)-ownDescriptors {
			t.Errorf("of %d descriptors %d are assigned, want some left", tt.limit, taken)
		}
		if d.connections != tt.connections || d.waiters != tt.waiters {
			t.Errorf("of %d descriptors: %d connections and %d waiters, want %d and %d",
				tt.limit, d.connections, d.waiters, tt.connections, tt.waiters)
		}
	}
}

func TestCheckDescriptors_NamesTheLimit(t *testing.T) {
	if err := checkDescriptors(fewestDescriptors); err != nil {
		t.Error(err)
	}
	const want = "the limit of open files is 63, and must be at least 64 (ulimit -n)"
	if err := checkDescriptors(fewestDescriptors - 1); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
