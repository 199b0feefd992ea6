package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lameduck/bench/balancer"
	"lameduck/bench/internal/machine"
	"lameduck/bench/load"
	"lameduck/bench/matrix/record"
	"lameduck/bench/rollout"
	"lameduck/bench/trial"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// played is a rollout of two pods, terminated 2 s and 3 s after the load's start, with 100
// ms between the requests, of which those sent between lose and until are lost.
func played(lose, until time.Duration) *trial.Result {
	start := time.Unix(1000, 0)
	r := &trial.Result{Strategy: "any", Load: &load.Result{Start: start}, Messages: map[string]string{}}
	for due := time.Duration(0); due < 10*time.Second; due += 100 * time.Millisecond {
		s := load.Sample{Due: due, Took: 20 * time.Millisecond, Request: load.Request{Method: "POST"}}
		if due >= lose && due < until {
			s.Cause, s.Err, s.Took = load.BadGateway, errors.New("502: gone"), 10*time.Millisecond
		}
		r.Load.Samples = append(r.Load.Samples, s)
	}
	for i, addr := range []string{"127.0.0.1:1", "127.0.0.1:2"} {
		t0 := start.Add(time.Duration(2+i) * time.Second)
		r.Rollout.Replaced = append(r.Rollout.Replaced, rollout.Replaced{Addr: addr, Termination: rollout.Termination{T0: t0, Took: 6 * time.Second}})
		for node, lag := range []time.Duration{time.Second, 4 * time.Second} {
			r.Removals = append(r.Removals, balancer.Removal{Node: node, Addr: addr, Requested: t0, Done: t0.Add(lag)})
		}
		r.Messages[addr] = "drained in 6s (quiet; triggered by hook): 9 exchanges after its start, the last one 3.9s after it; silence required: 2s; cut: 0 exchanges on 0 connections"
	}
	return r
}

// none is a time at which no request is sent.
const none = -time.Hour

// said is a display that records printed lines.
type said struct {
	mu    sync.Mutex
	lines []string
}

func (s *said) Show(string, time.Duration, time.Duration) {}
func (s *said) Finish()                                   {}
func (s *said) Print(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, line)
}

func (s *said) has(t *testing.T, words string) {
	t.Helper()
	if !strings.Contains(strings.Join(s.lines, "\n"), words) {
		t.Errorf("said %q, want %q among it", s.lines, words)
	}
}

// testMatrix is a matrix over some cells of the small one, with the given trial.
func testMatrix(t *testing.T, pattern string, run runner) (*matrix, *said) {
	t.Helper()
	dir := t.TempDir()
	o := options{run: regexp.MustCompile(pattern)}
	d := new(said)
	return &matrix{
		run: run, binary: "lameduck 1", path: filepath.Join(dir, recordName), logs: filepath.Join(dir, "logs"),
		display: d, cells: o.chosen(), file: &record.File{Groups: described(o.groups())},
	}, d
}

func TestEveryCellIsRecordedInTheOrderOfTheMatrix(t *testing.T) {
	m, d := testMatrix(t, "fleet|balancers/built-in", func(_ context.Context, c trial.Config) (*trial.Result, error) {
		if c.Strategy.Name == "lameduck" || c.Strategy.Name == "lameduck wrapper" {
			return played(none, none), nil
		}
		return played(3*time.Second, 4*time.Second), nil
	})
	if err := m.measure(t.Context(), m.cells); err != nil {
		t.Fatal(err)
	}
	f, err := record.Read(m.path)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range f.Cells {
		got = append(got, c.Name)
	}
	if want := strings.Join(names(m.cells), " "); strings.Join(got, " ") != want {
		t.Errorf("recorded %v, want %s", got, want)
	}
	if missed := record.Missed(f.Verdicts); len(missed) > 0 || len(f.Verdicts) == 0 {
		t.Errorf("of %d verdicts these are missed: %v", len(f.Verdicts), missed)
	}
	d.has(t, "balancers/built-in/bare: 10 of 100 requests lost, pods ended after at most 6.0 s, true delay 4.0 s")
	if hasFiles(m.logs) {
		t.Error("the output of pods was kept although no verdict is missed")
	}
}

func TestRecordIsWrittenAfterEachCell(t *testing.T) {
	var m *matrix
	at := -1
	m, _ = testMatrix(t, "balancers/built-in", func(context.Context, trial.Config) (*trial.Result, error) {
		at++
		f, err := record.Read(m.path)
		if err != nil || len(f.Cells) != at {
			t.Errorf("when %d cells are done, the record has %v (%v)", at, f, err)
		}
		return played(none, none), nil
	})
	if err := m.measure(t.Context(), m.cells); err != nil {
		t.Fatal(err)
	}
	if at != len(m.cells)-1 {
		t.Errorf("%d cells were run, want %d", at+1, len(m.cells))
	}
}

func TestWhatPodsWroteIsKeptWhereAVerdictIsMissed(t *testing.T) {
	m, d := testMatrix(t, "balancers/built-in/native", func(_ context.Context, c trial.Config) (*trial.Result, error) {
		return played(3*time.Second, 4*time.Second), os.WriteFile(filepath.Join(c.Logs, "pod0.log"), nil, 0o600)
	})
	if err := m.measure(t.Context(), m.cells); err != nil {
		t.Fatal(err)
	}
	d.has(t, "MISSED: lameduck lost 10 of 100 requests, the first a POST keep-alive sent 1.0 s after t0: 502: gone")
	if _, err := os.Stat(filepath.Join(m.logs, "balancers_built-in_native", "pod0.log")); err != nil {
		t.Errorf("the output of pods was not kept: %v", err)
	}
}

func TestCellIsTriedTwice(t *testing.T) {
	tried := map[string]int{}
	m, d := testMatrix(t, "balancers/built-in/(bare|native)", func(_ context.Context, c trial.Config) (*trial.Result, error) {
		tried[c.Strategy.Name]++
		if c.Strategy.Name == "bare" || tried[c.Strategy.Name] == 1 {
			return nil, errors.New("a pod did not become ready")
		}
		return played(none, none), nil
	})
	if err := m.measure(t.Context(), m.cells); err != nil {
		t.Fatalf("a cell that cannot be measured ended the run: %v", err)
	}
	if len(m.file.Cells) != 1 || len(m.file.LeftOut) != 1 || tried["bare"] != 2 || tried["lameduck"] != 2 {
		t.Errorf("tried %v, recorded %v, left out %v", tried, m.file.Cells, m.file.LeftOut)
	}
	d.has(t, "balancers/built-in/bare is left out: a pod did not become ready")
}

func TestInterruptedRunKeepsWhatIsDone(t *testing.T) {
	for _, pattern := range []string{"balancers/built-in", "fleet"} { // one at a time, and in lanes
		t.Run(pattern, func(t *testing.T) {
			ctx, interrupt := context.WithCancel(t.Context())
			var mu sync.Mutex
			done := 0
			m, _ := testMatrix(t, pattern, func(ctx context.Context, c trial.Config) (*trial.Result, error) {
				mu.Lock()
				defer mu.Unlock()
				if done++; done > 1 {
					interrupt()
					return nil, ctx.Err()
				}
				return played(none, none), nil
			})
			if err := m.measure(ctx, m.cells); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want the cause of the interruption", err)
			}
			f, err := record.Read(m.path)
			if err != nil || len(f.Cells) != 1 || len(f.LeftOut) != 0 {
				t.Errorf("record %+v (%v), want the one cell that was done", f, err)
			}
		})
	}
}

func TestRecordThatCannotBeWrittenEndsTheRun(t *testing.T) {
	ran := 0
	m, _ := testMatrix(t, "fleet|balancers/built-in", nil)
	m.run = func(context.Context, trial.Config) (*trial.Result, error) {
		if ran++; ran == 1 {
			os.RemoveAll(filepath.Dir(m.path))
		}
		return played(none, none), nil
	}
	if err := m.measure(t.Context(), m.cells); err == nil {
		t.Error("no output")
	}
	if ran != 1 {
		t.Errorf("%d cells were run, want none after the first", ran)
	}
}

func TestResumeKeepsWhatIsStillTheSame(t *testing.T) {
	m, _ := testMatrix(t, "balancers/built-in", nil)
	done := func(i int, change func(*record.Cell)) record.Cell {
		c := record.Cell{Name: m.cells[i].name(), Binary: m.binary, Setup: m.cells[i].setup(), Requests: 7}
		change(&c)
		return c
	}
	same := func(*record.Cell) {}
	for name, tc := range map[string]struct {
		old  []record.Cell
		todo int
	}{
		"nothing there":             {nil, 3},
		"one is there":              {[]record.Cell{done(1, same)}, 2},
		"all are there":             {[]record.Cell{done(2, same), done(1, same), done(0, same)}, 0},
		"of another lameduck":       {[]record.Cell{done(1, func(c *record.Cell) { c.Binary = "lameduck 2" })}, 3},
		"of another setup":          {[]record.Cell{done(1, func(c *record.Cell) { c.Setup.Rate++ })}, 3},
		"one that is no cell today": {[]record.Cell{done(1, func(c *record.Cell) { c.Name = "old/one/bare" })}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), recordName)
			old := &record.File{Cells: tc.old}
			if err := old.Write(path); err != nil {
				t.Fatal(err)
			}
			read, err := record.Read(path)
			if err != nil {
				t.Fatal(err)
			}
			m.file = &record.File{}
			if todo := m.resume(read, m.cells); len(todo) != tc.todo || len(m.file.Cells) != 3-tc.todo {
				t.Errorf("%d to do and %d kept, want %d and %d", len(todo), len(m.file.Cells), tc.todo, 3-tc.todo)
			}
		})
	}
}

func TestAnEarlierRecordIsSetAsideUnlessAllOfItIsTakenOver(t *testing.T) {
	for name, tc := range map[string]struct {
		resume  bool
		another bool // one cell is of another lameduck
		aside   bool
	}{
		"a new run":                       {false, false, true},
		"resumed with the same":           {true, false, false},
		"resumed with another in between": {true, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			m, d := testMatrix(t, "balancers/built-in", nil)
			old := &record.File{Machine: machine.Description{Versions: map[string]string{"caddy": "2", "nginx": "1"}}}
			for _, c := range m.cells {
				old.Cells = append(old.Cells, record.Cell{Name: c.name(), Binary: m.binary, Setup: c.setup()})
			}
			if tc.another {
				old.Cells[0].Binary = "lameduck 2"
			}
			if err := old.Write(m.path); err != nil {
				t.Fatal(err)
			}
			m.file = &record.File{Machine: machine.Description{Versions: map[string]string{"nginx": "2"}}}
			if _, err := m.begin(options{out: filepath.Dir(m.path), resume: tc.resume, run: regexp.MustCompile("balancers/built-in")}); err != nil {
				t.Fatal(err)
			}
			if v := m.file.Machine.Versions; v["nginx"] != "2" || (v["caddy"] == "2") != tc.resume {
				t.Errorf("versions %v, want today's, and in a resumed run also those of before", v)
			}
			aside, err := record.Read(m.path + ".old")
			switch {
			case !tc.aside && !errors.Is(err, os.ErrNotExist):
				t.Errorf("set aside: %v, %v", aside, err)
			case tc.aside && (err != nil || len(aside.Cells) != len(old.Cells)):
				t.Errorf("got %v, %v; want the earlier record", aside, err)
			case tc.aside:
				d.has(t, "renamed an earlier record to "+m.path+".old")
			}
		})
	}
}

func TestCellsThatCannotBeTriedAreNamed(t *testing.T) {
	m, d := testMatrix(t, "balancers/built-in/(bare|native)", nil)
	m.programs = trial.Programs{App: "/bin/true"}
	can := m.possible(m.cells)
	if len(can) != 1 || len(m.file.LeftOut) != 1 {
		t.Fatalf("can try %v, left out %v: want Lameduck left out", names(can), m.file.LeftOut)
	}
	d.has(t, "balancers/built-in/native is left out: missing lameduck (go build ./cmd/lameduck)")
}

func TestShow(t *testing.T) {
	cell := record.Cell{Name: "g/w/native", Group: "g", Expect: record.NoLoss, Requests: 5, Lost: 1, Setup: record.Setup{Strategy: "lameduck"}}
	f := &record.File{
		Groups: []record.Group{{Name: "g", Title: "A title", About: "About it."}, {Name: "empty", Title: "Nothing"}},
		Cells:  []record.Cell{cell}, LeftOut: []record.LeftOut{{Name: "g/w/caddy", Why: "missing caddy"}},
		Verdicts: record.Judge([]record.Cell{cell}),
	}
	var out strings.Builder
	if err := show(&out, f, false); err != nil {
		t.Errorf("without -guard: %v", err)
	}
	for _, want := range []string{
		"## A title\n\nAbout it.\n\n|", "0 of 2 verdicts hold.", "- missed: g/w/native: lameduck lost 1 of 5 requests", "- left out: g/w/caddy: missing caddy",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("shown is\n%s, want %q in it", out.String(), want)
		}
	}
	if strings.Contains(out.String(), "Nothing") {
		t.Error("a group without cells is shown")
	}
	if err := show(io.Discard, f, true); err == nil {
		t.Error("-guard succeeded with a missed verdict")
	}
}

func TestInterruptedRunLeavesNothing(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := options{run: regexp.MustCompile("balancers/built-in"), out: t.TempDir(), app: "/bin/true", lameduck: "/bin/true"}
	if err := run(ctx, o, io.Discard, new(said)); err == nil {
		t.Error("an interrupted run succeeded")
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}
