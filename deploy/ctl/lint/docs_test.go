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

// TestTheDocumentationHasTheRules compares the part of docs/lint.md after the marker with the
// rules.
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

// TestTheDocumentationHasTheVersions finds the version numbers in the text.
func TestTheDocumentationHasTheVersions(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range supported {
		if !strings.Contains(string(text), r.String()) {
			t.Errorf("%s does not name the default %v", page, r)
		}
	}
}
