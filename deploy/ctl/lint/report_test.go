package lint

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// reportOf returns a report with two findings, one in a file and one in a cluster.
func reportOf() Report {
	return Report{Objects: 2, Version: "v1.2.3", Findings: []Finding{
		{Rule: "one-replica", Severity: Warning, Object: Object{"Deployment", "shop", "web"},
			Field: "spec.replicas", Why: "100% of one, so none", Fix: "run two: a, b",
			File: "./my shop/web.yaml", Line: 5},
		{Rule: "not-checked", Severity: Info, Why: "pods: not yours, so nothing is checked",
			Fix: "get a role"},
	}}
}

func written(t *testing.T, r Report, format string) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Write(&b, format); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextHasPositionSeverityReasonAndRemedy(t *testing.T) {
	want := `./my shop/web.yaml:5: warning: Deployment shop/web: spec.replicas: 100% of one, so none [one-replica]
    fix: run two: a, b
info: input: pods: not yours, so nothing is checked [not-checked]
    fix: get a role
2 objects: 0 errors, 1 warning, 1 info; see lameduckctl explain RULE
`
	if got := written(t, reportOf(), "text"); got != want {
		t.Errorf("got:\n%s", got)
	}
	if got := written(t, Report{Objects: 1}, "text"); got != "1 object, no findings\n" {
		t.Errorf("got %q", got)
	}
}

func TestJSONHasEveryFindingAndTheirCount(t *testing.T) {
	var got struct {
		Findings []struct {
			Rule, Severity, Field, Why, Fix, File string
			Line                                  int
			Object                                struct{ Kind, Namespace, Name string }
		}
		Summary map[string]int
	}
	decodeStrictly(t, written(t, reportOf(), "json"), &got)
	f := got.Findings[0]
	if f.Rule != "one-replica" || f.Severity != "warning" || f.Object.Name != "web" ||
		f.Line != 5 || len(got.Findings) != 2 {
		t.Errorf("got %+v", got)
	}
	s := got.Summary
	if s["objects"] != 2 || s["error"] != 0 || s["warning"] != 1 || s["info"] != 1 {
		t.Errorf("summary %v", s)
	}
	if none := written(t, Report{}, "json"); !strings.Contains(none, `"findings": []`) {
		t.Errorf("without findings: %s", none)
	}
}

// A message of several lines is one command, and characters with a meaning for GitHub are escaped.
func TestGitHubShowsFindingsAtTheirLines(t *testing.T) {
	want := `::warning file=./my shop/web.yaml,line=5,title=one-replica::Deployment shop/web: spec.replicas: 100%25 of one, so none%0Afix: run two: a, b
::notice title=not-checked::input: pods: not yours, so nothing is checked%0Afix: get a role
`
	if got := written(t, reportOf(), "github"); got != want {
		t.Errorf("got:\n%s", got)
	}
	r := Report{Findings: []Finding{{Rule: "r", Severity: Error, File: "a,b:c.yaml", Line: 1},
		{Rule: "r", Severity: Error, File: "<stdin>", Line: 3}}}
	got := written(t, r, "github")
	if !strings.Contains(got, "::error file=a%2Cb%3Ac.yaml,line=1,") ||
		strings.Contains(got, "stdin") {
		t.Errorf("got:\n%s", got)
	}
}

// TestSARIFHasTheRequiredProperties checks the properties that SARIF 2.1.0 requires, and those with
// a list of allowed values.
func TestSARIFHasTheRequiredProperties(t *testing.T) {
	var log struct {
		Schema  string `json:"$schema"`
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name, Version string
					Rules         []struct {
						ID                                string
						ShortDescription, FullDescription struct{ Text string }
						DefaultConfiguration              struct{ Level string }
					}
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine int }
					}
					LogicalLocations []struct{ FullyQualifiedName, Kind string }
				}
			}
		}
	}
	decodeStrictly(t, written(t, reportOf(), "sarif"), &log)
	// Sections 3.13.2 to 3.13.4.
	if log.Version != "2.1.0" || !strings.HasSuffix(log.Schema, "sarif-schema-2.1.0.json") ||
		len(log.Runs) != 1 {
		t.Fatalf("log %+v", log)
	}
	run := log.Runs[0]
	// Section 3.19.8.
	driver := run.Tool.Driver
	if driver.Name == "" || driver.Version != "v1.2.3" || len(driver.Rules) != len(rules) {
		t.Errorf("driver %+v", driver)
	}
	levels := []string{"none", "note", "warning", "error"} // 3.27.10
	for _, r := range driver.Rules {
		if r.ID == "" || r.ShortDescription.Text == "" || r.FullDescription.Text == "" ||
			!slices.Contains(levels, r.DefaultConfiguration.Level) {
			t.Errorf("rule %+v", r)
		}
	}
	for _, r := range run.Results {
		// Sections 3.27.6 and 3.27.11.
		if driver.Rules[r.RuleIndex].ID != r.RuleID || r.Message.Text == "" ||
			!slices.Contains(levels, r.Level) {
			t.Errorf("result %+v", r)
		}
	}
	at := run.Results[0].Locations[0]
	if at.PhysicalLocation.ArtifactLocation.URI != "my%20shop/web.yaml" ||
		at.PhysicalLocation.Region.StartLine != 5 ||
		at.LogicalLocations[0].FullyQualifiedName == "" {
		t.Errorf("location %+v", at)
	}
	if len(run.Results[1].Locations) != 0 {
		t.Errorf("a finding about the input as a whole: %+v", run.Results[1])
	}
}

// Without findings, results is an empty list (section 3.14.23). Without results, no analysis was
// made.
func TestSARIFOfNothingFoundHasResults(t *testing.T) {
	if text := written(t, Report{}, "sarif"); !strings.Contains(text, `"results": []`) {
		t.Error("no results")
	}
}

func TestAbsolutePathsAreFileURIs(t *testing.T) {
	for file, want := range map[string]string{"/a b/c.yaml": "file:///a%20b/c.yaml",
		"a/../b.yaml": "b.yaml", "./x.yaml": "x.yaml"} {
		if got := fileURI(file); got != want {
			t.Errorf("%s is %s, want %s", file, got, want)
		}
	}
}

func TestAnUnknownFormatIsRefused(t *testing.T) {
	err := (Report{}).Write(new(bytes.Buffer), "xml")
	if err == nil || !regexp.MustCompile("text, json, sarif").MatchString(err.Error()) {
		t.Errorf("error %v", err)
	}
}

func decodeStrictly(t *testing.T, text string, into any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
}
