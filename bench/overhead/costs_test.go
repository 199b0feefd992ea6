package main

import (
	"os"
	"strings"
	"testing"

	"lameduck/bench/overhead/record"
)

// costReport has some series of a run.
func costReport() report {
	add := func(c, p, m, title string, v, ratio float64) record.Series {
		return record.Series{
			Case: c, Peer: p, Metric: m, Title: title, Digits: 1, Values: []float64{v},
			Summary: record.Summary{Median: v, Low: v, High: v}, Ratio: ratio,
		}
	}
	return report{
		Rounds: 5,
		Cases:  []record.Case{{Name: "idle", Connections: 900}, {Name: "scale", Title: "64 connections; few cores"}},
		Series: []record.Series{
			add("newconn", "nginx", "cpu", "CPU", 40, 1.5),
			add("newconn", "haproxy-tcp", "cpu", "CPU", 50, 1.2),
			add("newconn", lameduck, "cpu", "CPU", 60, 0),
			add("idle", lameduck, "perconn", "memory", 3.3, 0),
			add("observe", direct, "cpu", "CPU", 10, 1.05),
			add("observe", lameduck, "cpu", "CPU", 10.5, 0),
			add("scale", lameduck, "linear_2", "share of linear on 2 cores", 0.9, 0),
		},
	}
}

func TestCostsHaveWhatWasMeasured(t *testing.T) {
	got := costReport().costs()
	for _, want := range []string{
		"|  | nginx | HAProxy, http | HAProxy, tcp | Lameduck | Lameduck ÷ HAProxy, tcp |\n",
		"| CPU per request over a new connection, µs | 40.0 | – | 50.0 | 60.0 | 1.20 |\n",
		"| idle keep-alive connection, of 900, KB | – | – | – | 3.3 | – |\n",
		"| scaling: share of linear on 2 cores | – | – | – | 0.9 | – |\n",
		"|  | app alone | app and Lameduck | Lameduck ÷ app alone |\n",
		"| CPU per keep-alive request, µs | 10.0 | 10.5 | 1.05 |\n",
		"Medians of 5 rounds",
		"Scaling: few cores.",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the tables have no %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "TLS") {
		t.Errorf("the tables have rows without values:\n%s", got)
	}
}

func TestEveryCostIsMeasuredByItsPreset(t *testing.T) {
	opts := optionsOf(t, "-table cost")
	rows := append(costRows(), observeRows()...)
	for _, row := range rows {
		if findMetric(opts.Cases, row.Case, row.Metric) == (metric{}) {
			t.Errorf("-table cost does not measure %s of %s", row.Metric, row.Case)
		}
	}
	for _, c := range opts.Cases {
		found := c.Name == "scale"
		for _, row := range rows {
			found = found || row.Case == c.Name
		}
		if !found {
			t.Errorf("the generated tables have no row of %s", c.Name)
		}
	}
}

func TestTheDocumentHasTheGeneratedTables(t *testing.T) {
	text, err := os.ReadFile("../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(text), costsBegin+"\n") != 1 || strings.Count(string(text), costsEnd+"\n") != 1 {
		t.Errorf("the document has not one %q and one %q", costsBegin, costsEnd)
	}
}
