package integration

import (
	"encoding/xml"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/summerwind/h2spec"
	spec "github.com/summerwind/h2spec/config"
)

// What h2spec finds fault with is the app's, and what it praises too: the relay neither adds a fault nor hides one.
func TestH2SpecGivesTheSameResultsThroughLameduck(t *testing.T) {
	for _, a := range []http2App{nghttpd, goHTTP2} {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			_, address := a.start(t, publicDir(t))
			direct := startH2Spec(t, address)
			through := startH2Spec(t, startServe(t, address).front)
			want, got := direct.results(t), through.results(t)
			for i := range max(len(want), len(got)) {
				if i >= len(want) || i >= len(got) || want[i].verdict() != got[i].verdict() {
					t.Errorf("test %d is\n%s\nagainst the app and\n%s\nthrough lameduck", i, describe(want, i), describe(got, i))
				}
			}
			t.Logf("%d tests, against the app %v, through lameduck %v", len(want), tally(want), tally(got))
		})
	}
}

// specTimeout is how long h2spec waits for what is to come before it says that it has not. It is longer than h2spec's own, for a busy
// machine.
const specTimeout = 4 * time.Second

// runH2Spec tests what listens at a port, and writes a report.
func runH2Spec(args []string) error {
	port, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	_, err = h2spec.Run(&spec.Config{
		Host: "127.0.0.1", Port: port, Path: "/", Timeout: specTimeout, MaxHeaderLen: 4000, Strict: true, JUnitReport: args[1],
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

// results returns the tests in their order when h2spec has ended.
func (s specRun) results(t *testing.T) []specCase {
	t.Helper()
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

// verdict is what two runs are compared by.
func (c specCase) verdict() string {
	return strings.Join([]string{c.Section, c.Name, c.outcome()}, ": ")
}

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
		return "not there"
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
