package integration

import (
	"encoding/xml"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/summerwind/h2spec"
	spec "github.com/summerwind/h2spec/config"
)

// The relay neither adds nor hides a failure of h2spec.
func TestH2SpecGivesTheSameResultsThroughLameduck(t *testing.T) {
	for _, a := range []http2App{nghttpd, goHTTP2} {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			_, address := a.start(t, publicDir(t))
			front := startServe(t, address).front
			var want, got []specCase
			for range 3 { // on a busy machine, h2spec may wait too briefly for either
				direct, through := startH2Spec(t, address), startH2Spec(t, front)
				if want, got = direct.results(t), through.results(t); slices.EqualFunc(want, got, specCase.equal) {
					break
				}
			}
			for i := range max(len(want), len(got)) {
				if i >= len(want) || i >= len(got) || !want[i].equal(got[i]) {
					t.Errorf("test %d:\n%s\nagainst the app\n%s\nthrough lameduck",
						i, describe(want, i), describe(got, i))
				}
			}
			t.Logf("%d tests, against the app %v, through lameduck %v", len(want), tally(want), tally(got))
		})
	}
}

// specTimeout is how long h2spec waits for a frame. It is longer than h2spec's default because the
// machine may be busy.
const specTimeout = 4 * time.Second

// runH2Spec tests the server at a port, and writes a report.
func runH2Spec(args []string) error {
	port, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	_, err = h2spec.Run(&spec.Config{
		Host: "127.0.0.1", Port: port, Path: "/", Timeout: specTimeout, MaxHeaderLen: 4000,
		Strict: true, JUnitReport: args[1],
	})
	return err
}

// A specRun is a run of h2spec.
type specRun struct {
	*program
	report string
}

func startH2Spec(t *testing.T, address string) specRun {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	report := filepath.Join(t.TempDir(), "report.xml")
	return specRun{start(t, nil, programPath("peer"), "h2spec", port, report), report}
}

// A specCase is a test in h2spec's report.
type specCase struct {
	Section string  `xml:"package,attr"`
	Name    string  `xml:"classname,attr"`
	Failure *string `xml:"failure"`
	Error   *string `xml:"error"` // a failure too
	Skipped *string `xml:"skipped"`
}

// results waits for the end of h2spec and returns the tests in their order.
func (s specRun) results(t *testing.T) []specCase {
	t.Helper()
	select {
	case <-s.ended:
	case <-time.After(5 * time.Minute): // each of 146 tests may wait for seconds
	}
	s.wantExit(t, exitOK)
	b, err := os.ReadFile(s.report)
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Suites []struct {
			Cases []specCase `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(b, &report); err != nil {
		t.Fatal(err)
	}
	var cases []specCase
	for _, s := range report.Suites {
		cases = append(cases, s.Cases...)
	}
	if len(cases) == 0 {
		t.Fatal("h2spec has tested nothing")
	}
	return cases
}

// verdict returns the test and its outcome, by which two runs are compared.
func (c specCase) verdict() string {
	return strings.Join([]string{c.Section, c.Name, c.outcome()}, ": ")
}

func (c specCase) equal(d specCase) bool { return c.verdict() == d.verdict() }

func (c specCase) outcome() string {
	switch {
	case c.Failure != nil || c.Error != nil:
		return "failed"
	case c.Skipped != nil:
		return "skipped"
	}
	return "passed"
}

func describe(cases []specCase, i int) string {
	if i >= len(cases) {
		return "missing"
	}
	text := cases[i].verdict()
	for _, why := range []*string{cases[i].Failure, cases[i].Error} {
		if why != nil {
			text += "\n" + *why
		}
	}
	return text
}

func tally(cases []specCase) map[string]int {
	counts := make(map[string]int)
	for _, c := range cases {
		counts[c.outcome()]++
	}
	return counts
}
