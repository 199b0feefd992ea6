package procfs

import (
	"testing"
	"time"
)

func TestParseSchedstat(t *testing.T) {
	got, err := parseSchedstat("155973130 14017186 399\n")
	if err != nil || got != 155973130*time.Nanosecond {
		t.Errorf("parseSchedstat = %v, %v, want 155.97313ms", got, err)
	}
	for _, text := range []string{"", "1 2", "x 2 3"} {
		if _, err := parseSchedstat(text); err == nil {
			t.Errorf("parseSchedstat(%q) has no error", text)
		}
	}
}

func TestParseStatFindsFieldsBehindAnyName(t *testing.T) {
	const rest = " S 1 4242 4242 0 -1 4194560 1 2 3 4 150 25 0 0 20 0 1 0 100 0 0\n"
	for _, name := range []string{"(nginx)", "(a b)", "(:) 9 9 9)"} {
		got, err := parseStat("4243 " + name + rest)
		want := Stat{Parent: 1, Group: 4242, CPU: 1750 * time.Millisecond}
		if err != nil || got != want {
			t.Errorf("parseStat of %s = %+v, %v, want %+v", name, got, err, want)
		}
	}
	for _, text := range []string{
		"", "1 (x) S 1 2 3", "1 (x) S 1 x 3 4 5 6 7 8 9 10 11 12 13",
		"1 (x) S x 1 3 4 5 6 7 8 9 10 11 12 13",
	} {
		if _, err := parseStat(text); err == nil {
			t.Errorf("parseStat(%q) has no error", text)
		}
	}
}
