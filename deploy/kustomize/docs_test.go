package kustomize_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"lameduck/deploy/deploytest"
)

const root = "../.."

var (
	// remoteBase is a kustomization in this repository, as users refer to it.
	remoteBase = regexp.MustCompile(`lameduck//([\w/.-]+)\?ref=`)

	// chartPath is the argument of a helm command.
	chartPath = regexp.MustCompile(`helm (?:install|upgrade) \S+ (\S+)`)

	// markdownLink is a link to a file of this repository.
	markdownLink = regexp.MustCompile(`\]\(([\w./-]+)(?:#[\w-]+)?\)`)
)

// TestTheDocumentationRefersToWhatExists checks the paths in all Markdown files that users copy or
// follow.
func TestTheDocumentationRefersToWhatExists(t *testing.T) {
	bases, charts, links := 0, 0, 0
	for _, file := range markdownFiles(t) {
		text := deploytest.ReadFile(t, file)
		for _, m := range remoteBase.FindAllStringSubmatch(text, -1) {
			bases++
			expectExists(t, file, filepath.Join(root, m[1], "kustomization.yaml"))
		}
		for _, m := range chartPath.FindAllStringSubmatch(text, -1) {
			charts++
			expectExists(t, file, filepath.Join(root, m[1], "Chart.yaml"))
		}
		for _, m := range markdownLink.FindAllStringSubmatch(text, -1) {
			links++
			expectExists(t, file, filepath.Join(filepath.Dir(file), m[1]))
		}
	}
	if bases < 3 || charts < 3 || links < 20 {
		t.Errorf("found %d kustomizations, %d charts and %d links", bases, charts, links)
	}
}

func markdownFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || d.Name() == ".git"):
			return fs.SkipDir
		case strings.HasSuffix(path, ".md"):
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func expectExists(t *testing.T, file, path string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Errorf("%s refers to %s, which does not exist", file, path)
	}
}
