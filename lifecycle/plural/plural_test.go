package plural

import "testing"

func TestCount(t *testing.T) {
	for _, test := range []struct {
		n    int
		noun string
		want string
	}{
		{0, "pod", "0 pods"},
		{1, "pod", "1 pod"},
		{2, "pod", "2 pods"},
		{-1, "pod", "-1 pods"},
		{1, "address", "1 address"},
		{21, "address", "21 addresses"},
		{1, "lost request", "1 lost request"},
		{1204, "lost request", "1204 lost requests"},
	} {
		if got := Count(test.n, test.noun); got != test.want {
			t.Errorf("Count(%d, %q) is %q, want %q", test.n, test.noun, got, test.want)
		}
	}
	if got := Count(uint64(1), "exchange"); got != "1 exchange" {
		t.Errorf("a uint64 of 1 gives %q, want 1 exchange", got)
	}
}

func TestPick(t *testing.T) {
	for n, want := range map[int]string{0: "were", 1: "was", 2: "were"} {
		if got := Pick(n, "was", "were"); got != want {
			t.Errorf("%d pods %s deleted, want %s", n, got, want)
		}
	}
}
