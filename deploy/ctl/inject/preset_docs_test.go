package inject

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"lameduck/deploy/deploytest"
)

const (
	page         = "../../../docs/loadbalancers.md"
	beginPresets = "<!-- presets: written by go test ./deploy/ctl/inject -update -->\n"
	endPresets   = "<!-- end of presets -->\n"
)

// TestTheDocumentationHasThePresets compares the table in docs/loadbalancers.md with the presets,
// and with the output of Inject.
func TestTheDocumentationHasThePresets(t *testing.T) {
	text := pageText(t)
	head, rest, begins := strings.Cut(text, beginPresets)
	_, tail, ends := strings.Cut(rest, endPresets)
	if !begins || !ends {
		t.Fatalf("%s has no lines %s and %s", page, beginPresets, endPresets)
	}
	var table strings.Builder
	table.WriteString("\n| load balancer | preset | delay seen, up to | delay | grace period | health check path |\n" +
		"| --- | --- | --- | --- | --- | --- |\n")
	for _, p := range Presets() {
		heading, _ := sectionOf(t, text, p)
		fmt.Fprintf(&table, "| [%s](#%s) | `%s` | %s | %s | %s | %s |\n", strings.TrimPrefix(p.Title, "the "),
			anchor(heading), p.Name, seconds(p.Seen), seconds(p.Delay), seconds(graceWith(t, p)), checkPath(p))
	}
	table.WriteString("\n")
	deploytest.ExpectGolden(t, page, head+beginPresets+table.String()+endPresets+tail)
}

func graceWith(t *testing.T, p Preset) time.Duration {
	t.Helper()
	s := defaults()
	s.LB = p.Name
	after, _ := injected(t, template(t, web), s)
	return time.Duration(*after.Spec.TerminationGracePeriodSeconds) * time.Second
}

func checkPath(p Preset) string {
	if p.FailChecks {
		return "that of the readiness probe"
	}
	return "–"
}

// TestEachPresetHasASection checks that the page explains each preset in the same way, with a
// source.
func TestEachPresetHasASection(t *testing.T) {
	text := pageText(t)
	sourced := regexp.MustCompile(`\]\(https://[^)]+\)`)
	for _, p := range Presets() {
		heading, body := sectionOf(t, text, p)
		for _, label := range []string{"How it learns", "Delay", "Health checks", "Set"} {
			if strings.Count(body, "\n- **"+label+":** ") != 1 {
				t.Errorf("%s: the section %s lacks %s", p.Name, heading, label)
			}
		}
		if !sourced.MatchString(body) {
			t.Errorf("%s: the section %s names no source", p.Name, heading)
		}
	}
	for _, name := range regexp.MustCompile("--lb ([a-z0-9-]+)`").FindAllStringSubmatch(text, -1) {
		if _, err := FindPreset(name[1]); err != nil {
			t.Errorf("%s: %v", page, err)
		}
	}
}

// sectionOf returns the section of the page that sets a preset.
func sectionOf(t *testing.T, text string, p Preset) (heading, body string) {
	t.Helper()
	for _, section := range strings.Split(text, "\n## ")[1:] {
		heading, body, _ = strings.Cut(section, "\n")
		if strings.Contains(body, "`--lb "+p.Name+"`") {
			return heading, body
		}
	}
	t.Fatalf("%s has no section that sets --lb %s", page, p.Name)
	return "", ""
}

func pageText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// anchor returns GitHub's URL fragment for a heading.
func anchor(heading string) string {
	keep := func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}
	return strings.Map(keep, heading)
}
