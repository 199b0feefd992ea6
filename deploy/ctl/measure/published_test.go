package measure

import (
	"path/filepath"
	"strings"
	"testing"

	"lameduck/deploy/deploytest"
)

// The results in docs/measurements have the schema and name nothing, and their row in the table has
// their figures.
func TestPublishedResultsAreRedactedAndInTheTable(t *testing.T) {
	docs := filepath.Join("..", "..", "..", "docs")
	results, err := filepath.Glob(filepath.Join(docs, "measurements", "*.json"))
	if err != nil || len(results) < 2 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	table := deploytest.ReadFile(t, filepath.Join(docs, "measurements.md"))
	for _, path := range results {
		p, err := ReadReport(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(path)
		if err := validate(t, []byte(deploytest.ReadFile(t, path))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.HasSuffix(p.URL, "://redacted/") || p.Rollout != nil && p.Rollout.Workload != "redacted" {
			t.Errorf("%s names %s and %v", name, p.URL, p.Rollout)
		}
		expectSums(t, p)
		row := "| " + count(p.Requests) + " | " + count(p.Lost) + " | " + p.delayCell() +
			" | [JSON](measurements/" + name + ") |"
		if !strings.Contains(table, row) {
			t.Errorf("docs/measurements.md lacks a row that ends with %s", row)
		}
	}
}
