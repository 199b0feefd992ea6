package record

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"lameduck/bench/internal/machine"
)

const s = Seconds(time.Second)

// protected is a cell in which three pods behind Lameduck ended two seconds after the load balancer
// had removed them.
func protected() Cell {
	required := 2 * s
	c := Cell{
		Name: "balancers/nginx/native", Group: "balancers", Expect: NoLoss,
		Setup:    Setup{Strategy: "lameduck", Family: Lameduck, HoldMin: s, HoldQuiet: s, Lags: []Seconds{s, 5 * s}},
		Began:    time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Requests: 12345, ByCause: map[string]int{},
		Bins: []Bin{{At: -5 * s, Sent: 150}},
	}
	for i := range Seconds(3) {
		c.Pods = append(c.Pods, Pod{Addr: "127.0.0.1:1", T0: i * s, Took: 7*s + i*s/10, Lag: 5 * s, Answered: 5 * s, Required: &required})
	}
	return c
}

// bare is a cell in which requests were lost.
func bare(lost int) Cell {
	c := Cell{
		Name: "balancers/nginx/bare", Group: "balancers", Expect: Loss,
		Setup:    Setup{Strategy: "bare", Family: Bare, Lags: []Seconds{5 * s}},
		Requests: 1000, Lost: lost, ByCause: map[string]int{},
		Pods: []Pod{{Took: s / 100, Lag: 5 * s, Answered: 5 * s}},
	}
	if lost > 0 {
		c.ByCause["502"] = lost
		c.Failures = []Failure{{Sent: s / 4, Lost: s / 2, Request: "POST keep-alive", Cause: "502", Error: "502: answered 502 Bad Gateway"}}
	}
	return c
}

func TestSecondsAreNumbersOfSeconds(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                                       "0",
		1500 * time.Millisecond:                 "1.5",
		-5 * time.Second:                        "-5",
		1234567 * time.Nanosecond:               "0.001235",
		10 * time.Minute:                        "600",
		3*time.Second + time.Microsecond:        "3.000001",
		-time.Millisecond - 400*time.Nanosecond: "-0.001",
	} {
		text, err := json.Marshal(Seconds(d))
		if err != nil || string(text) != want {
			t.Errorf("%v is written as %s (%v), want %s", d, text, err, want)
		}
		var back Seconds
		if err := json.Unmarshal(text, &back); err != nil || back != Seconds(d.Round(time.Microsecond)) {
			t.Errorf("%s is read as %v (%v)", text, time.Duration(back), err)
		}
	}
	if err := json.Unmarshal([]byte(`"5s"`), new(Seconds)); err == nil {
		t.Error("a text was read as seconds")
	}
}

func TestFileComesBackAsItWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollouts.json")
	f := &File{
		Machine: machine.Description{CPU: "x", Cores: 2, Versions: map[string]string{"nginx": "1.22"}},
		Command: "go run ./bench/matrix", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Groups:  []Group{{"balancers", "Behind load balancers", "Three pods."}},
		Cells:   []Cell{protected(), bare(7)},
		LeftOut: []LeftOut{{"peers/nginx/caddy-5s", "missing caddy"}},
	}
	if err := f.Write(path); err != nil {
		t.Fatal(err)
	}
	back, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(f, back) {
		t.Errorf("written\n%+v, read\n%+v", f, back)
	}
	if len(back.Verdicts) != 3 {
		t.Errorf("%d verdicts, want two for Lameduck and one for the bare pods", len(back.Verdicts))
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("files beside it: %v, want none", left)
	}
}

func TestWriteLeavesTheOldFileWhereItFails(t *testing.T) {
	dir := t.TempDir()
	if err := new(File).Write(filepath.Join(dir, "missing", "rollouts.json")); err == nil {
		t.Error("it wrote into a directory that is not there")
	}
	if err := os.MkdirAll(filepath.Join(dir, "rollouts.json", "full"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := new(File).Write(filepath.Join(dir, "rollouts.json")); err == nil {
		t.Error("it wrote over a directory")
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("it left %v", left)
	}
}

func TestReadDistinguishesAMissingFileFromABrokenOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollouts.json")
	if _, err := Read(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v for a file that is not there", err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil || errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "remove it") {
		t.Errorf("got %v for half a file", err)
	}
}

func TestSortFollowsTheMatrix(t *testing.T) {
	f := &File{Cells: []Cell{{Name: "c"}, {Name: "a"}, {Name: "b"}}, LeftOut: []LeftOut{{Name: "e"}, {Name: "d"}}}
	f.Sort([]string{"a", "b", "c", "d", "e"})
	if f.Cells[0].Name+f.Cells[1].Name+f.Cells[2].Name+f.LeftOut[0].Name != "abcd" {
		t.Errorf("sorted %+v and %+v", f.Cells, f.LeftOut)
	}
}

func TestWhere(t *testing.T) {
	for name, want := range map[string]string{
		"balancers/nginx/bare":     "nginx",
		"lags/30s/sleep-5s":        "30s",
		"balancers/bare":           "",
		"balancers/a/b/preStop-1s": "a/b",
	} {
		group, _, _ := strings.Cut(name, "/")
		if got := (Cell{Name: name, Group: group}).Where(); got != want {
			t.Errorf("%s is at %q, want %q", name, got, want)
		}
	}
}
