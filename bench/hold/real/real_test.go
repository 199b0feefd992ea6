package real

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lameduck/bench/hold/sim"
)

func TestARolloutOfTheRealProgramLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes ten seconds")
	}
	program := filepath.Join(t.TempDir(), "lameduck")
	if out, err := exec.Command("go", "build", "-o", program, "lameduck/cmd/lameduck").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	setup := Setup{Lameduck: program, History: 3 * time.Second, Dir: t.TempDir()}
	for _, name := range []string{"ingress", "kept"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shape, err := sim.Find(name)
			if err != nil {
				t.Fatal(err)
			}
			r, err := setup.Play(t.Context(), &shape, 1)
			if err != nil {
				t.Fatal(err)
			}
			if r.Requests == 0 || len(r.Lost) > r.Late {
				t.Errorf("%d requests, %d after the end of the hold, lost: %v", r.Requests, r.Late, r.Lost)
			}
			if r.Hold < 5*time.Second || r.After() < 5*time.Second {
				t.Errorf("the hold of %v ended %v after the last request", r.Hold, r.After())
			}
			if !strings.HasPrefix(r.Summary, "drained in ") {
				t.Errorf("the program reports %q", r.Summary)
			}
		})
	}
}
