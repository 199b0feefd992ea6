package bench_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestTheREADMEListsEveryCommand checks that README.md lists each program directly below bench,
// except for the app in the pods, which users do not run.
func TestTheREADMEListsEveryCommand(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	mains, err := filepath.Glob("*/main.go")
	if err != nil || len(mains) < 8 {
		t.Fatalf("found %d commands (%v), want at least 8", len(mains), err)
	}
	for _, m := range mains {
		name := filepath.Dir(m)
		row := regexp.MustCompile("(?m)^\\| `go run \\./bench/" + name + "[ `]")
		if name != "app" && !row.Match(readme) {
			t.Errorf("README.md does not list go run ./bench/%s", name)
		}
	}
}
