package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"lameduck/bench/start/hold"
)

func TestParseStatus(t *testing.T) {
	const status = "Name:\tempty\nVmHWM:\t 9999 kB\nVmRSS:\t    1500 kB\nRssAnon:\t     500 kB\nRssFile:\t    1000 kB\n"
	got, err := parseStatus(status)
	if want := (memory{Resident: 1500 * 1024, Anonymous: 500 * 1024}); err != nil || got != want {
		t.Errorf("parseStatus = %+v, %v, want %+v", got, err, want)
	}
	for _, text := range []string{"", "VmRSS:\t1 kB\n", "VmRSS:\tx kB\nRssAnon:\t1 kB\n"} {
		if got, err := parseStatus(text); err == nil {
			t.Errorf("parseStatus(%q) = %+v without an error", text, got)
		}
	}
}

func TestParseInitsSortsBySize(t *testing.T) {
	const trace = `init internal/bytealg @0.008 ms, 0 ms clock, 0 bytes, 0 allocs
init github.com/prometheus/procfs @1.2 ms, 0.08 ms clock, 98304 bytes, 120 allocs
{"level":"info","msg":"init of something, 5 bytes, 1 allocs"}
init net @0.5 ms, 0.01 ms clock, 4096 bytes, 3 allocs
`
	want := []allocation{{"github.com/prometheus/procfs", 98304}, {"net", 4096}, {"internal/bytealg", 0}}
	if got := parseInits(trace); !slices.Equal(got, want) {
		t.Errorf("parseInits = %v, want %v", got, want)
	}
}

func TestMediansAreThoseOfEachProgram(t *testing.T) {
	got := medians([][]memory{{{1, 10}, {5, 5}}, {{3, 30}, {5, 6}}, {{2, 20}, {5, 7}}})
	if want := []memory{{2, 20}, {5, 6}}; !slices.Equal(got, want) {
		t.Errorf("medians = %v, want %v", got, want)
	}
}

func TestTablesCompareWithTheEmptyProgram(t *testing.T) {
	got := tables([]candidate{{Title: "empty"}, {Title: "zap"}},
		[]memory{{2e6, 500e3}, {4.3e6, 750e3}}, []allocation{{"procfs", 98304}})
	for _, want := range []string{"| empty | 2.0 | 500 | 0 |\n", "| zap | 4.3 | 750 | 250 |\n", "| procfs | 98 |\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("the tables have no %q:\n%s", want, got)
		}
	}
}

func TestReadinessIsSeenOnce(t *testing.T) {
	r := &readiness{seen: make(chan struct{})}
	for _, b := range []byte(hold.Ready + hold.Ready) {
		if _, err := r.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-r.seen:
	default:
		t.Error("a program that is ready is not seen to be")
	}
}

func TestAProgramIsStartedAndMeasured(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty := candidates()[0]
	if err := empty.build(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	set, err := oneCore()
	if err != nil {
		t.Fatal(err)
	}
	p, err := empty.start(t.Context(), dir, set)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	missing := candidate{Title: "missing", Path: "missing"}
	if _, err := missing.start(t.Context(), dir, set); err == nil {
		t.Error("a program that does not exist is started")
	}
}

func TestTheDocumentHasTheGeneratedTables(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(text), tablesBegin+"\n") != 1 || strings.Count(string(text), tablesEnd+"\n") != 1 {
		t.Errorf("the document has not one %q and one %q", tablesBegin, tablesEnd)
	}
}
