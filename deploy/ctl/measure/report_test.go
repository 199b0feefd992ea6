package measure

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"lameduck/bench/openloop"
)

// example returns a report with one of each.
func example(t *testing.T) *Report {
	t.Helper()
	p, err := ReadReport("testdata/v1.json")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func validate(t *testing.T, text []byte) error {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile("report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(value)
}

func TestTheJSONHasItsSchema(t *testing.T) {
	a := newAborter()
	cfg := config(t, serve(t, a.ServeHTTP), 100)
	cfg.PodHeader = "Content-Type"
	measured := run(t, cfg)
	expectSums(t, measured)
	redacted := example(t)
	redacted.Redact()
	for name, p := range map[string]*Report{"measured": measured, "read": example(t), "redacted": redacted} {
		path := filepath.Join(t.TempDir(), "r.json")
		if err := p.Write(path); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(t, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := validate(t, []byte(`{"schema":"lameduck.dev/measure/v1","requests":1}`)); err == nil {
		t.Error("the schema accepts a report without fields")
	}
}

// testdata/v1.json was written by the first version of this schema. It must always open.
func TestAnOlderResultStillOpens(t *testing.T) {
	p := example(t)
	expectSums(t, p)
	if p.Requests == 0 || p.Lost == 0 || len(p.Lanes) == 0 || time.Duration(p.Latency.P99) == 0 {
		t.Errorf("fields are missing: %+v", p)
	}
	path := filepath.Join(t.TempDir(), "newer.json")
	if err := os.WriteFile(path, []byte(`{"schema":"lameduck.dev/measure/v9"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadReport(path); err == nil || !strings.Contains(err.Error(), "measure/v9") {
		t.Errorf("a newer schema: %v, want an error that names it", err)
	}
}

func TestRedactedReportsNameNothing(t *testing.T) {
	p := example(t)
	p.Redact()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	page, err := p.HTML()
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"shop", "192.0.2", "prod"} {
		if bytes.Contains(text, []byte(secret)) || bytes.Contains(page, []byte(secret)) {
			t.Errorf("a redacted report has %q", secret)
		}
	}
	expectSums(t, p)
	if p.Failures[0].Pod != "pod-1" || p.Failures[0].Address != "address-1" {
		t.Errorf("%+v: want numbers, so that failures of the same pod can be recognized", p.Failures[0])
	}
}

func TestThePageLoadsNothing(t *testing.T) {
	p := example(t)
	p.Failures[0].Error = `<script src="https://evil.example/x.js"></script>`
	page, err := p.HTML()
	if err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile(`(?i)<(script|link|img|iframe|object)|<[a-z]+[^>]*\s(src|href)=|url\((?:[^#])|@import`).Find(page); m != nil {
		t.Errorf("the page has %s", m)
	}
	for _, want := range []string{"LOST 3 of 120", "refused", "502", "GET HTTP/1.1 kept", "url(#cause1)", "<svg"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the page lacks %q", want)
		}
	}
	calm := &Report{Schema: Schema, Requests: 10}
	if page, err = calm.HTML(); err != nil || bytes.Contains(page, []byte("Lost requests")) {
		t.Errorf("a page without losses: error %v", err)
	}
}

func TestEachCauseHasAPatternOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, h := range hatches {
		if seen[h] {
			t.Errorf("two causes have the pattern %q", h)
		}
		seen[h] = true
	}
	if len(hatches) < len(causeTexts) {
		t.Errorf("%d patterns for %d causes", len(hatches), len(causeTexts))
	}
}

func TestJUnitFailsTheLanesThatLostRequests(t *testing.T) {
	for maxLost, want := range map[int]int{0: 2, 2: 2, 3: 0, -1: 0} {
		path := filepath.Join(t.TempDir(), "junit.xml")
		if err := example(t).WriteJUnit(path, maxLost); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var suite junitSuite
		if err := xml.Unmarshal(text, &suite); err != nil {
			t.Fatal(err)
		}
		failed := 0
		for _, c := range suite.Cases {
			if c.Failure != nil {
				failed++
			}
		}
		if failed != want || suite.Failures != want || suite.Tests != 4 {
			t.Errorf("--max-lost %d: %d of %d fail, want %d of 4", maxLost, failed, suite.Tests, want)
		}
	}
}

func TestSummary(t *testing.T) {
	var b strings.Builder
	if err := example(t).Summary(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"https://shop.example/", "120 requests in 6s at 20/s, to 2 addresses",
		"LOST 3 of 120 requests: 2.5 %, at most 6.3 % with 95 % confidence", "2  502", "1  refused"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the summary lacks %q:\n%s", want, b.String())
		}
	}
	if n := strings.Count(b.String(), "\n"); n > 24 {
		t.Errorf("the summary has %d lines: more than a screen", n)
	}
}

// The rule of three, and values of the binomial distribution.
func TestUpperBound(t *testing.T) {
	for _, tc := range []struct {
		lost, n int
		want    float64
	}{{0, 1000, 0.002991}, {0, 1, 0.95}, {3, 120, 0.06333}, {10, 10, 1}, {0, 0, 1}, {5, 1_000_000, 1.0513e-5}} {
		if got := upperBound(tc.lost, tc.n); math.Abs(got-tc.want) > tc.want*1e-3 {
			t.Errorf("%d of %d: at most %.5g, want %.5g", tc.lost, tc.n, got, tc.want)
		}
	}
}

func TestLongLoadsHaveFewBins(t *testing.T) {
	r := &Result{Took: 3 * time.Hour}
	r.Result = new(openloop.Result[Lane])
	for i := range 10_800 {
		r.Samples = append(r.Samples, openloop.Sample[Lane]{Due: time.Duration(i) * time.Second, Took: time.Millisecond})
	}
	bins := timeline(r)
	total := 0
	for _, b := range bins {
		total += b.Requests
	}
	if len(bins) > mostBins || total != 10_800 {
		t.Errorf("%d bins with %d requests, want at most %d with all", len(bins), total, mostBins)
	}
}
