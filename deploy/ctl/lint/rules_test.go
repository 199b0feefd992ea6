package lint

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lameduck/deploy/deploytest"
)

// TestEveryRuleFindsItsProblemAndNoOther lints two manifests for each rule in testdata: a bad one,
// in which only this rule finds a problem, and a good one without that problem. The report on the
// bad one is a golden file. To update it:
//
//	go test ./deploy/ctl/lint -update
func TestEveryRuleFindsItsProblemAndNoOther(t *testing.T) {
	for _, r := range Rules() {
		t.Run(r.ID, func(t *testing.T) {
			dir := filepath.Join("testdata", r.ID)
			bad := lintFile(t, filepath.Join(dir, "bad.yaml"))
			if len(bad) == 0 {
				t.Error("no findings in bad.yaml")
			}
			for _, f := range bad {
				if f.Rule != r.ID && !leadsTo(r.ID, f.Rule) {
					t.Errorf("bad.yaml: %s is found too: %s", f.Rule, f.Why)
				}
			}
			for _, f := range lintFile(t, filepath.Join(dir, "good.yaml")) {
				t.Errorf("good.yaml: %s is found: %s", f.Rule, f.Why)
			}
			var report bytes.Buffer
			if err := (Report{Findings: bad, Objects: 1}).Write(&report, "text"); err != nil {
				t.Fatal(err)
			}
			deploytest.ExpectGolden(t, filepath.Join(dir, "bad.txt"), report.String())
		})
	}
}

// leadsTo reports whether one problem always implies another.
func leadsTo(rule, other string) bool {
	return rule == "one-replica" && other == "budget-blocks-drain" || rule == "not-checked" && other == "no-disruption-budget"
}

// TestGoodAndBadAreNearlyTheSame bounds the difference of the two manifests.
func TestGoodAndBadAreNearlyTheSame(t *testing.T) {
	for _, r := range Rules() {
		bad, good := lines(t, r.ID, "bad.yaml"), lines(t, r.ID, "good.yaml")
		differ := 0
		for _, l := range bad {
			if !slices.Contains(good, l) {
				differ++
			}
		}
		for _, l := range good {
			if !slices.Contains(bad, l) {
				differ++
			}
		}
		if differ > 8 {
			t.Errorf("%s: %d lines are different", r.ID, differ)
		}
	}
}

func TestEveryDirectoryOfTestdataBelongsToARule(t *testing.T) {
	dirs, err := filepath.Glob("testdata/*/bad.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		if id := filepath.Base(filepath.Dir(d)); !known(id) {
			t.Errorf("unknown rule %s", id)
		}
	}
}

func known(id string) bool { _, is := Find(id); return is }

func TestEveryRuleIsExplained(t *testing.T) {
	seen := make(map[string]bool)
	for _, r := range Rules() {
		switch {
		case seen[r.ID]:
			t.Errorf("%s is there twice", r.ID)
		case r.Title == "" || len(r.Text()) < 100:
			t.Errorf("%s is not explained: %q, %q", r.ID, r.Title, r.Explanation)
		case strings.HasSuffix(r.Title, ".") || strings.ToLower(r.ID) != r.ID || strings.ContainsAny(r.ID, " _."):
			t.Errorf("%s: %q", r.ID, r.Title)
		}
		seen[r.ID] = true
	}
}

// TestEveryFindingIsASentenceWithItsConsequence checks the findings of every bad manifest.
func TestEveryFindingIsASentenceWithItsConsequence(t *testing.T) {
	for _, r := range Rules() {
		for _, f := range lintFile(t, filepath.Join("testdata", r.ID, "bad.yaml")) {
			if f.Fix == "" || strings.HasSuffix(f.Why, ".") || !slices.ContainsFunc([]string{" so ",
				" when ", "while ", " may "}, func(s string) bool {
				return strings.Contains(f.Why,
					s)
			}) {
				t.Errorf("%s: why %q, fix %q", f.Rule, f.Why, f.Fix)
			}
			if f.File == "" || f.Line == 0 {
				if f.Object != (Object{}) {
					t.Errorf("%s: the finding has no position", f.Rule)
				}
			}
		}
	}
}

// lintFile lints a file with the options in its first line.
func lintFile(t *testing.T, path string) []Finding {
	t.Helper()
	in := NewInventory(optionsOf(t, path))
	if err := in.ReadFiles([]string{path}, false, nil); err != nil {
		t.Fatal(err)
	}
	return in.Lint()
}

// optionsOf parses a first line such as `# lint: --lb-delay=60s --kubernetes-version=1.29`.
func optionsOf(t *testing.T, path string) Options {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	flags, _ := strings.CutPrefix(first, "# lint: ")
	var o Options
	for _, f := range strings.Fields(flags) {
		switch name, value, _ := strings.Cut(f, "="); name {
		case "--lb-delay":
			if o.LBDelay, err = time.ParseDuration(value); err != nil {
				t.Fatal(err)
			}
		case "--kubernetes-version":
			r, err := ParseRelease(value)
			if err != nil {
				t.Fatal(err)
			}
			o.Releases = Releases{r}
		}
	}
	return o
}

func lines(t *testing.T, rule, name string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", rule, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")
}
