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

	// markdownLink is a link to a file of this repository, to a heading in one, or to a heading of
	// the same page.
	markdownLink = regexp.MustCompile(`\]\(([\w./-]*)(?:#([\w-]+))?\)`)

	codeBlock = regexp.MustCompile("(?s)```.*?```")
	heading   = regexp.MustCompile(`(?m)^#+ (.*)$`)
	linkText  = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	noAnchor  = regexp.MustCompile(`[^\pL\pN_ -]`)
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
		for _, m := range markdownLink.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
			links++
			target := file
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(file), m[1])
				expectExists(t, file, target)
			}
			if m[2] != "" {
				expectHeading(t, file, target, m[2])
			}
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

// expectHeading checks that a page has a heading with this anchor.
func expectHeading(t *testing.T, file, page, anchor string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		return // expectExists reports it
	}
	for _, m := range heading.FindAllStringSubmatch(codeBlock.ReplaceAllString(string(text), ""), -1) {
		title := noAnchor.ReplaceAllString(strings.ToLower(linkText.ReplaceAllString(m[1], "$1")), "")
		if strings.ReplaceAll(title, " ", "-") == anchor {
			return
		}
	}
	t.Errorf("%s refers to the heading #%s of %s, which does not exist", file, anchor, page)
}
