package measure

import (
	"encoding/xml"
	"fmt"
	"os"
	"strings"
	"time"

	"lameduck/lifecycle/plural"
)

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Time     string      `xml:"time,attr"`
	Stamp    string      `xml:"timestamp,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes a test suite to a file. Each lane is a test case. If more than maxLost requests
// were lost, the lanes that have lost some fail. Less than zero allows any number.
func (p *Report) WriteJUnit(path string, maxLost int) error {
	took := fmt.Sprintf("%.3f", time.Duration(p.Seconds).Seconds())
	suite := junitSuite{
		Name: "lameduckctl measure " + p.URL, Tests: len(p.Lanes), Time: took,
		Stamp: p.Started.Format("2006-01-02T15:04:05"),
	}
	for _, l := range p.Lanes {
		c := junitCase{Class: "lameduckctl.measure", Name: l.Name(), Time: took}
		if p.TooMany(maxLost) && l.Lost > 0 {
			suite.Failures++
			c.Failure = &junitFailure{
				fmt.Sprintf("%d of %s %s lost", l.Lost, plural.Count(l.Requests, "request"),
					plural.Pick(l.Lost, "was", "were")), causeLines(l.Causes),
			}
		}
		suite.Cases = append(suite.Cases, c)
	}
	text, err := xml.MarshalIndent(suite, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the JUnit report: %w", err)
	}
	return os.WriteFile(path, []byte(xml.Header+string(text)+"\n"), 0o644)
}

func causeLines(causes map[string]int) string {
	var b strings.Builder
	for _, c := range sortedCauses(causes) {
		fmt.Fprintf(&b, "%d %s: %s\n", causes[c], c, CauseText(c))
	}
	return b.String()
}

// TooMany reports whether more than maxLost requests were lost. Less than zero allows any number.
func (p *Report) TooMany(maxLost int) bool { return maxLost >= 0 && p.Lost > maxLost }
