package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	holdrecord "lameduck/bench/hold/record"
	"lameduck/bench/internal/machine"
	"lameduck/bench/matrix/record"
	costs "lameduck/bench/overhead/record"
)

const s = record.Seconds(time.Second)

// ended is a cell of three pods that ended after took, which the load balancer removed after 5 s.
// It lost the given number of a thousand requests a second after the first t0.
func ended(name string, family record.Family, delay, took record.Seconds, lost int) record.Cell {
	parts := strings.Split(name, "/")
	c := record.Cell{
		Name: name, Group: parts[0], Binary: "lameduck devel, sha256 00", Requests: 1000, Lost: lost, ByCause: map[string]int{},
		Setup:   record.Setup{Strategy: parts[2], Family: family, Delay: delay, Lags: []record.Seconds{5 * s}, Rate: 100, Replicas: 3, Balancer: parts[1], HoldQuiet: 2 * s},
		Calm:    record.Latency{Requests: 200, P50: s / 50, P99: s / 40, P999: s / 30},
		Rollout: record.Latency{Requests: 2000, P50: s / 50, P99: s / 40, P999: s / 30},
	}
	for at := -5 * s; at < 15*s; at += s / 2 {
		c.Bins = append(c.Bins, record.Bin{At: at, Sent: 50})
	}
	if lost > 0 {
		c.Bins[12].Lost, c.ByCause["502"] = lost, lost
		c.Failures = []record.Failure{{Sent: s, Lost: s, Request: "GET keep-alive", Cause: "502", Error: `502: answered <b>"gone"</b>`}}
	}
	for i := range record.Seconds(3) {
		c.Pods = append(c.Pods, record.Pod{Addr: "127.0.0.1:1", T0: i * s / 2, Took: took, Lag: 5 * s, Answered: 5 * s})
		if family == record.Lameduck {
			required := 2 * s
			c.Pods[i].Required, c.Expect = &required, record.NoLoss
		}
	}
	return c
}

// sample has everything that the page can show.
func sample() results {
	cells := []record.Cell{
		ended("balancers/haproxy/bare", record.Bare, 0, 0, 300),
		ended("balancers/haproxy/graceful", record.Graceful, 0, s/100, 290),
		ended("balancers/haproxy/sleep 2s", record.Sleep, 2*s, 2*s, 150),
		ended("balancers/haproxy/sleep 15s", record.Sleep, 15*s, 15*s, 0),
		ended("balancers/haproxy/lameduck", record.Lameduck, 0, 7*s, 0),
		ended("peers/haproxy/caddy 5s", record.Peer, 5*s, 5*s, 0),
		ended("rhythm/every-5s/lameduck fixed 5s", record.Fixed, 0, 5*s, 3),
		ended("rhythm/every-5s/lameduck", record.Lameduck, 0, 20*s, 0),
	}
	f := &record.File{
		Machine: machine.Description{CPU: "A <CPU>", Cores: 2, Kernel: "6.1", Go: "go1.26", Versions: map[string]string{"haproxy": "2.6"}},
		Command: "go run ./bench/matrix", Time: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC),
		Groups: []record.Group{{Name: "balancers", Title: "Behind load balancers", About: "Three pods."}, {Name: "peers", Title: "Peers"}, {Name: "rhythm", Title: "Seldom"}, {Name: "empty", Title: "Nothing here"}},
		Cells:  cells, LeftOut: []record.LeftOut{{Name: "peers/haproxy/traefik", Why: "missing traefik"}}, Verdicts: record.Judge(cells),
	}
	o := &overhead{
		Machine: f.Machine, Time: f.Time, Rounds: 2,
		Cases: []costs.Case{
			{Name: "keepalive", Title: "64-byte answers"}, {Name: "tcp-up", Title: "tunnels; and more"},
			{Name: "grpc-go", Title: "a check", Check: true}, {Name: "idle", Title: "idle connections"},
		},
		Peers: []costs.Peer{
			{Name: "direct", Title: "no proxy"}, {Name: "nginx", Title: "nginx with a pool", Version: "1.22"},
			{Name: "lameduck", Title: "Lameduck"},
		},
		Notes: []string{"a note with <angles>"},
		Targets: []costs.Verdict{
			{Sentence: "keepalive: CPU per request is 0.97 of nginx", Holds: true, Measured: true},
			{Sentence: "idle: too much", Measured: true},
		},
	}
	add := func(caseName, peer, metric string, digits int, ratio float64, values ...float64) {
		o.Series = append(o.Series, costs.Series{
			Case: caseName, Peer: peer, Metric: metric, Title: metric + " of it", Unit: "µs", Digits: digits, Values: values,
			Summary: costs.Summary{Median: (values[0] + values[1]) / 2, Low: values[0], High: values[1]},
			Ratio:   ratio, Hidden: metric == "hidden",
		})
	}
	add("keepalive", "nginx", "cpu", 1, 0.97, 38, 40)
	add("keepalive", "lameduck", "cpu", 1, 0, 37, 38)
	add("keepalive", "direct", "rate", 0, 0, 40000, 42000)
	add("keepalive", "lameduck", "hidden", 0, 0, 1, 2)
	add("tcp-up", "lameduck", "cpu", 1, 0, 21, 21)
	add("grpc-go", "lameduck", "cpu", 1, 0, 5, 5)
	add("idle", "lameduck", "perconn", 1, 0, 4.4, 4.4)
	return results{f, o, sampleHold(f.Machine)}
}

// sampleHold has a shape within its limits and one beyond.
func sampleHold(m machine.Description) hold {
	good := holdrecord.Outcome{AfterP50: 5, AfterP90: 7.5, HoldP50: 9, HoldP90: 12}
	bad := holdrecord.Outcome{AfterP50: -3, AfterP90: 15, HoldP50: 15, HoldP90: 15, Early: 400, Lost: 1234}
	limits := &holdrecord.Limits{AfterP50: 6, AfterP90: 9, Early: 0.001}
	return hold{
		&holdrecord.File{
			Machine: m, Command: "go run ./bench/hold", Seconds: 60, Rollouts: 1000,
			Rules: []holdrecord.Rule{{Name: "lameduck", Title: "Lameduck"}, {Name: "sleep-15", Title: "sleep 15s"}},
			Shapes: []holdrecord.Shape{
				{Name: "good", Title: "a good shape", Limits: limits, Outcomes: []holdrecord.Outcome{good, bad}},
				{Name: "bad", Title: "a bad shape", Limits: limits, Outcomes: []holdrecord.Outcome{bad, bad}},
			},
		},
		&holdrecord.Measured{Machine: m, Command: "go run ./bench/hold -real", Shapes: []holdrecord.MeasuredShape{
			{Name: "good", Title: "a measured shape", Limits: limits, Drains: []holdrecord.Drain{
				{Requests: 321, Last: 2, Hold: 7.3},
			}},
		}},
	}
}

func render(t *testing.T, r results) map[string]string {
	t.Helper()
	files, err := r.render()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range files {
		all[f.name] = string(f.content)
	}
	return all
}

func TestPageLoadsNothing(t *testing.T) {
	loads := regexp.MustCompile(`(?i)https?://|\bsrc\s*=|<link|@import|url\(|<script|<iframe|<object|<embed|srcset|xlink|href="[^#]`)
	for name, text := range render(t, sample()) {
		// The namespace of SVG is only a name, which is never fetched.
		text = strings.ReplaceAll(text, `xmlns="http://www.w3.org/2000/svg"`, "")
		if found := loads.FindString(text); found != "" {
			t.Errorf("%s has %q in it", name, found)
		}
	}
}

func TestPageHasEverything(t *testing.T) {
	files := render(t, sample())
	for name, words := range map[string][]string{
		"index.html": {
			"<!doctype html>", "A &lt;CPU&gt;, 2 cores, Linux 6.1, go1.26, haproxy 2.6; 2026-01-02; <code>go run ./bench/matrix</code>.",
			"lameduck devel, sha256 00. 8,000 requests in all.", "<strong>none of 2,000 requests was lost</strong>",
			"Behind load balancers", "30.00 %", "300\u00a0×\u00a0502", "missing traefik", `class="box"`, "4 verdicts hold", "64-byte answers",
			"nginx with a pool, 1.22", "a note with &lt;angles&gt;", "× 0.97", "37.5 <small>(37.0–38.0)</small>", "41,000 <small>(40,000–42,000)</small>",
			"Each value is the median of 2 rounds.", "Each cell of this matrix was measured once",
			"<strong>2,000 rollouts</strong> of 2 shapes", "these miss a limit: bad", "40 %, 15.0 s", "1,234", "a measured shape",
		},
		"results.md": {
			"# What a rolling update loses", "**none of 2,000 requests was lost**", "![", "| haproxy | bare |", "## Verdicts", "- left out: peers/haproxy/traefik: missing traefik",
			"### keepalive\n\n64-byte answers", "| lameduck ÷ peer |", "- missed: idle: too much",
			"| a good shape | 5.0 s | 6 s | 7.5 s | 9 s | 0 | 0.1 % | PASS |", "| a bad shape | -3.0 s | 6 s | 15.0 s | 9 s | 40 % | 0.1 % | miss |",
			"| a measured shape | 1 | 321 | 0 | 5.3 s | 6 s | 5.3 s | 9 s | 7.3 s | 7.3 s | PASS |",
		},
		"rollouts.svg": {"Three pods are replaced behind HAProxy, which removes each 5 s late", "30.0 % lost", "none lost", "sleep 15s", "'Liberation Sans',Arial"},
	} {
		for _, w := range words {
			if !strings.Contains(files[name], w) {
				t.Errorf("%s has no %q", name, w)
			}
		}
	}
	for _, unwanted := range []string{"Nothing here", "hidden of it", "**"} {
		if strings.Contains(files["index.html"], unwanted) {
			t.Errorf("index.html has %q", unwanted)
		}
	}
}

func TestChangeoversAreShownWhereThereAreAny(t *testing.T) {
	r := sample()
	r.rollouts.Cells[5].Changeovers = 17 // of "peers"
	r.rollouts.Cells[5].Setup.Balancer = "caddy"
	for name, words := range map[string][]string{
		"index.html": {`<th class="r ">changeover resets</th>`, `<td class="r ">17</td>`, "<strong>17 of 1,000 requests were neither answered nor lost</strong>, in 1 rollout behind Caddy"},
		"results.md": {" | changeover resets | ", " |  | 17 | ", "**17 of 1,000 requests were neither answered nor lost**, in 1 rollout behind Caddy"},
	} {
		text, without := render(t, r)[name], render(t, sample())[name]
		for _, w := range words {
			if n := strings.Count(text, w); n != 1 {
				t.Errorf("%s has %q %d times, want once", name, w, n)
			}
			if strings.Contains(without, w) {
				t.Errorf("%s has %q although there was no changeover", name, w)
			}
		}
	}
}

func TestPicturesAreWholeSVG(t *testing.T) {
	r := sample()
	for name, picture := range map[string]string{
		"picture": r.picture(), "multiples": multiples(r.rollouts.Of("balancers")),
		"scatter": scatter(r.rollouts.Cells), "cost": r.overhead.cost(), "overhang": overhang(r.hold.simulated),
	} {
		d := xml.NewDecoder(strings.NewReader(picture))
		elements := 0
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if e, is := token.(xml.StartElement); is {
				elements++
				expectNumbers(t, name, e)
			}
		}
		if elements < 10 {
			t.Errorf("%s has %d elements", name, elements)
		}
	}
}

// expectNumbers checks that every coordinate is a number.
func expectNumbers(t *testing.T, name string, e xml.StartElement) {
	t.Helper()
	for _, a := range e.Attr {
		if a.Name.Local != "aria-label" && (strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf")) {
			t.Errorf("%s: %s %s is %s", name, e.Name.Local, a.Name.Local, a.Value)
		}
	}
}

func TestCostsNameTheirUnits(t *testing.T) {
	o := sample().overhead
	want := []string{
		"**64-byte answers**: 37.5 µs of cpu of it, 0.97 of nginx.",
		"**Tunnels; and more**: 21.0 µs of cpu of it.",
	}
	if got := o.findings(); !slices.Equal(got, want) {
		t.Errorf("findings %q, want %q: without checks and cases that have no CPU time", got, want)
	}
	picture := o.cost()
	for words, is := range map[string]bool{"tcp-up": true, "tunnels, µs": true, "and more": false, "grpc-go": false} {
		if strings.Contains(picture, words) != is {
			t.Errorf("the picture has %q: %v, want %v", words, !is, is)
		}
	}
}

func TestPanelsAreAsHighAsTheirPeersNeed(t *testing.T) {
	o := sample().overhead
	both := o.costHeight(o.costs())
	if alone := o.costHeight(o.costs()[1:]); alone != both-costBar {
		t.Errorf("heights: %v with one peer, %v with two", alone, both)
	}
}

func TestHalfOfItIsEnough(t *testing.T) {
	whole := sample()
	if files := render(t, results{overhead: whole.overhead}); strings.Contains(files["index.html"], "Findings") || files["rollouts.svg"] != "" {
		t.Error("a page of only the overhead has findings about rollouts, or a picture of them")
	}
	if files := render(t, results{rollouts: whole.rollouts}); strings.Contains(files["index.html"], "What a proxy in front") {
		t.Error("a page of only rollouts has costs")
	}
	if files := render(t, results{hold: whole.hold}); !strings.Contains(files["index.html"], "When a hold ends") ||
		strings.Contains(files["index.html"], "Findings") {
		t.Error("a page of only the hold has no section, or findings about rollouts")
	}
	few := &record.File{Groups: whole.rollouts.Groups, Cells: whole.rollouts.Cells[6:]}
	if files := render(t, results{rollouts: few}); files["rollouts.svg"] != "" {
		t.Error("a picture without cells")
	}
	if files := render(t, results{rollouts: &record.File{}, overhead: &overhead{}}); files["index.html"] == "" {
		t.Error("no page for empty results")
	}
}

func TestRunReadsAndWrites(t *testing.T) {
	dir := t.TempDir()
	if err := run(dir, io.Discard); err == nil || !strings.Contains(err.Error(), "has no results") {
		t.Errorf("got %v for an empty directory", err)
	}
	r := sample()
	if err := r.rollouts.Write(filepath.Join(dir, "rollouts.json")); err != nil {
		t.Fatal(err)
	}
	if err := r.hold.simulated.Write(filepath.Join(dir, "hold.json")); err != nil {
		t.Fatal(err)
	}
	if err := r.hold.measured.Write(filepath.Join(dir, "hold-real.json")); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r.overhead)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overhead.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := run(dir, &out); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%[1]s/results.md\n%[1]s/index.html\n%[1]s/rollouts.svg\n", dir); out.String() != want {
		t.Errorf("it wrote\n%s, want\n%s", out.String(), want)
	}
	want := render(t, r)
	for name := range want {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want[name] {
			t.Errorf("%s differs from the rendered text (%v)", name, err)
		}
	}
	for _, name := range []string{"hold-real.json", "hold.json", "overhead.json", "rollouts.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := run(dir, io.Discard); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v for a broken %s", err, name)
		}
	}
}

func TestOptions(t *testing.T) {
	if dir, err := parseOptions(nil, io.Discard); err != nil || dir != "bin/bench" {
		t.Errorf("got %q, %v", dir, err)
	}
	var out strings.Builder
	if _, err := parseOptions([]string{"x"}, &out); err == nil || !strings.Contains(out.String(), `unexpected argument "x"`) {
		t.Errorf("got %v, said %q", err, out.String())
	}
}
