package integration

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// exposition returns /metrics of a lameduck that has relayed a request and observes a port.
func exposition(t *testing.T) string {
	t.Helper()
	d := startServe(t, startApp(t).addr, "LAMEDUCK_OBSERVE="+freePort(t))
	d.get(t, "/")
	text := get(t, "http://"+d.admin+"/metrics").body
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
	return text
}

func TestTheMetricsAreWellFormed(t *testing.T) {
	t.Parallel()
	problems, err := promlint.New(strings.NewReader(exposition(t))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestDocsHaveTheTableOfMetrics(t *testing.T) {
	t.Parallel()
	want := docsTable(t, "metrics.md", "lameduck_")
	got := metricTypes(exposition(t))
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[name]; !ok {
			t.Errorf("docs/metrics.md does not have %s, a %s", name, got[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if _, ok := got[name]; !ok {
			t.Errorf("docs/metrics.md has %s, /metrics does not", name)
		}
	}
}

// metricTypes returns the types of the lameduck_ metrics by their names.
func metricTypes(exposition string) map[string]string {
	types := make(map[string]string)
	for l := range strings.Lines(exposition) {
		if f := strings.Fields(l); len(f) == 4 && f[1] == "TYPE" && strings.HasPrefix(f[2], "lameduck_") {
			types[f[2]] = f[3]
		}
	}
	return types
}

func TestTheMetricsOfADrain(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr)
	hook := d.hold(t)
	d.awaitHook(t)
	d.beginDrain(t)
	d.get(t, "/")
	receive(t, hook, "answer to the hook")
	for name, want := range map[string]string{
		`lameduck_phase{phase="drained"}`:                               "1",
		`lameduck_phase{phase="serving"}`:                               "0",
		`lameduck_drain_ended{reason="quiet"}`:                          "1",
		`lameduck_drain_ended{reason="max"}`:                            "0",
		`lameduck_drain_exchanges_total`:                                "1",
		`lameduck_drain_cut_exchanges_total`:                            "0",
		`lameduck_exchanges_total{code="2xx"}`:                          "1",
		`lameduck_connections_total{ended_by="drain",protocol="http1"}`: "1",
		`lameduck_exchanges_in_flight`:                                  "0",
	} {
		d.awaitMetric(t, name, want)
	}
	if last := d.metric(t, "lameduck_drain_last_exchange_seconds"); last == "0" {
		t.Error("the last exchange was at the start of the drain, want later")
	}
	app.die()
	d.wantExit(t, exitOK)
}

// docsTable returns the second column of a page's tables by the first one, of the rows whose first
// column starts with prefix. Backquotes are removed.
func docsTable(t *testing.T, page, prefix string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	table := make(map[string]string)
	for l := range strings.Lines(string(text)) {
		columns := strings.Split(strings.TrimSpace(l), "|")
		if len(columns) < 4 {
			continue
		}
		name := strings.Trim(columns[1], " `")
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		if _, twice := table[name]; twice {
			t.Errorf("docs/%s has %s twice", page, name)
		}
		table[name] = strings.Trim(columns[2], " `")
	}
	return table
}
