package lint

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"lameduck/deploy/ctl/manifest"
	"lameduck/lifecycle/plural"
)

// A Report has the findings of an inventory.
type Report struct {
	Findings []Finding
	Objects  int    // that were checked
	Version  string // of the program
}

// Formats are the formats of Write.
var Formats = []string{"text", "json", "sarif", "github"}

// Write writes the report in one of Formats.
func (r Report) Write(w io.Writer, format string) error {
	out := bufio.NewWriter(w)
	switch format {
	case "text":
		r.writeText(out)
	case "json":
		if err := r.writeJSON(out); err != nil {
			return err
		}
	case "sarif":
		if err := r.writeSARIF(out); err != nil {
			return err
		}
	case "github":
		r.writeGitHub(out)
	default:
		return fmt.Errorf("format %q: use %s", format, strings.Join(Formats, ", "))
	}
	return out.Flush()
}

// writeText writes the position, the severity, the reason and the fix of each finding.
func (r Report) writeText(w io.Writer) {
	for _, f := range r.Findings {
		fmt.Fprintf(w, "%s%v: %s: %s [%s]\n", f.where(), f.Severity, f.subject(), f.Why, f.Rule)
		fmt.Fprintf(w, "    fix: %s\n", f.Fix)
	}
	fmt.Fprintln(w, r.summary())
}

// where returns the position in the format of compilers, or an empty string.
func (f Finding) where() string {
	if f.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d: ", f.File, f.Line)
}

// subject returns the object and its field.
func (f Finding) subject() string {
	switch {
	case f.Object == (Object{}):
		return "input"
	case f.Field == "":
		return f.Object.String()
	}
	return f.Object.String() + ": " + f.Field
}

func (r Report) summary() string {
	errors, warnings, infos := Count(r.Findings, Error), Count(r.Findings, Warning), Count(r.Findings, Info)
	if len(r.Findings) == 0 {
		return fmt.Sprintf("%s, no findings", plural.Count(r.Objects, "object"))
	}
	return fmt.Sprintf("%s: %s, %s, %d info; see lameduckctl explain RULE",
		plural.Count(r.Objects, "object"), plural.Count(errors, "error"), plural.Count(warnings, "warning"), infos)
}

func (r Report) writeJSON(w io.Writer) error {
	findings := r.Findings
	if findings == nil {
		findings = []Finding{} // encode as [] and not as null
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(struct {
		Findings []Finding      `json:"findings"`
		Summary  map[string]int `json:"summary"`
	}{findings, map[string]int{
		"objects": r.Objects, "error": Count(findings, Error), "warning": Count(findings, Warning),
		"info": Count(findings, Info),
	}})
}

// writeGitHub writes workflow commands, which GitHub shows as annotations of a change.
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
func (r Report) writeGitHub(w io.Writer) {
	levels := map[Severity]string{Error: "error", Warning: "warning", Info: "notice"}
	for _, f := range r.Findings {
		properties := "title=" + escapeProperty(f.Rule)
		if f.File != "" && f.File != manifest.Stdin {
			properties = fmt.Sprintf("file=%s,line=%d,%s", escapeProperty(f.File), max(f.Line, 1), properties)
		}
		message := fmt.Sprintf("%s: %s\nfix: %s", f.subject(), f.Why, f.Fix)
		fmt.Fprintf(w, "::%s %s::%s\n", levels[f.Severity], properties, escapeData(message))
	}
}

var (
	dataEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func escapeData(s string) string { return dataEscapes.Replace(s) }

func escapeProperty(s string) string { return propertyEscapes.Replace(s) }
