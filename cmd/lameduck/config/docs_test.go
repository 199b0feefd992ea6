package config

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of variables into the documentation")

// page is the documentation of the variables.
const page = "../../../docs/configuration.md"

func TestDocumentation_HasTheVariables(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	got, want := rows(string(text)), MarkdownRows()
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("docs/configuration.md differs; go test ./cmd/lameduck/config -run Documentation -update\n"+
			"writes it. Got\n%s\nwant\n%s", got, want)
	}
	if !strings.Contains(string(text), got) {
		t.Fatal("the rows of the table are not together")
	}
	if err := os.WriteFile(page, []byte(strings.Replace(string(text), got, want, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// rows returns the rows of a table of variables.
func rows(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "| `"+Prefix) {
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestWriteUsage_HasTheVariables(t *testing.T) {
	var b strings.Builder
	if err := WriteUsage(&b); err != nil {
		t.Fatal(err)
	}
	words := strings.Join(strings.Fields(b.String()), " ")
	for _, v := range Variables() {
		heading := v.Name
		if v.Default != "" {
			heading += " (default " + v.Default + ")"
		}
		if !strings.Contains(words, heading+" "+v.Usage) {
			t.Errorf("%s and its usage are not there", heading)
		}
	}
	for line := range strings.Lines(b.String()) {
		if len(line) > 93 {
			t.Errorf("a line is too long: %s", line)
		}
	}
}
