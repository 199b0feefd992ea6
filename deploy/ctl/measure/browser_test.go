package measure

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lameduck/deploy/deploytest"
)

// layout reports in the title whether the page is wider than its frame, and how many charts it has.
const layout = `<script>addEventListener("load", () => {
	const e = document.documentElement
	document.title = ["overflow", e.scrollWidth > innerWidth, "svg", document.querySelectorAll("svg").length].join(" ")
})</script>`

// The page fits a window and a phone: nothing is cut off, and all charts are shown.
func TestThePageFitsTwoWidthsInABrowser(t *testing.T) {
	t.Parallel()
	chromium := deploytest.Program(t, "chromium", "apt-get install chromium")
	page, err := rolled(t).HTML()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "page.html")
	deploytest.WriteFile(t, path, strings.Replace(string(page), "</head>", layout+"</head>", 1))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for _, width := range []int{1200, 500} { // Chromium has no narrower windows
		cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+dir,
			fmt.Sprintf("--window-size=%d,900", width), "--dump-dom", "file://"+path)
		dom, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(dom), "<title>overflow false svg ") || strings.Contains(string(dom), "svg 0</title>") {
			title, _, _ := strings.Cut(string(dom), "</title>")
			t.Errorf("at a width of %d: %s", width, title)
		}
	}
}
