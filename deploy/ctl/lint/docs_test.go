package lint

import (
	"os"
	"strings"
	"testing"

	"lameduck/deploy/deploytest"
)

const (
	page  = "../../../docs/lint.md"
	begin = "<!-- rules: written by go test ./deploy/ctl/lint -update -->\n"
)

// TestTheDocumentationHasTheRules compares what stands behind the mark in docs/lint.md, to its end.
func TestTheDocumentationHasTheRules(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, _, found := strings.Cut(string(text), begin)
	if !found {
		t.Fatalf("%s has no line %s", page, begin)
	}
	deploytest.ExpectGolden(t, page, head+begin+"\n"+Documentation())
}

// TestTheDocumentationHasTheVersions looks for the numbers that are said in words.
func TestTheDocumentationHasTheVersions(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range supported {
		if !strings.Contains(string(text), r.String()) {
			t.Errorf("%s does not say that %v is meant where nobody says which", page, r)
		}
	}
}
