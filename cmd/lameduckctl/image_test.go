package main

import (
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const repository = "../.."

// An image is built from the files that .dockerignore does not exclude.
func TestTheImagesAreBuiltFromEveryFileOfThePrograms(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, ".dockerignore"))
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"lameduck/cmd/lameduckctl", "lameduck/cmd/lameduck"} {
		listed, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", `{{if .Module}}{{if .Module.Main}}`+
			`{{range .GoFiles}}{{$.Dir}}/{{.}}{{"\n"}}{{end}}{{range .EmbedFiles}}{{$.Dir}}/{{.}}{{"\n"}}{{end}}`+
			`{{end}}{{end}}`, program).Output()
		if err != nil {
			t.Fatal(err)
		}
		files := strings.Fields(string(listed))
		if len(files) < 20 {
			t.Fatalf("%s has %d files, want more", program, len(files))
		}
		for _, f := range append(files, filepath.Join(root, "go.mod"), filepath.Join(root, "go.sum")) {
			if f, err = filepath.Rel(root, f); err != nil {
				t.Fatal(err)
			}
			if isIgnored(string(text), filepath.ToSlash(f)) {
				t.Errorf("%s needs %s, which .dockerignore leaves out of the image's build", program, f)
			}
		}
	}
}

// isIgnored reports whether a .dockerignore leaves out a file. The last pattern that matches the
// file or a directory above it decides.
func isIgnored(patterns, file string) (ignored bool) {
	for pattern := range strings.Lines(patterns) {
		pattern, again := strings.CutPrefix(strings.TrimSpace(pattern), "!")
		if pattern == "" || strings.HasPrefix(pattern, "#") {
			continue
		}
		quoted := strings.NewReplacer(`\*\*/`, `(.*/)?`, `\*`, `[^/]*`).Replace(regexp.QuoteMeta(pattern))
		if regexp.MustCompile(`^` + quoted + `(/.*)?$`).MatchString(file) {
			ignored = !again
		}
	}
	return ignored
}

func TestIsIgnored(t *testing.T) {
	const patterns = "bin\nbench/*\n!bench/openloop\n**/testdata\n**/*_test.go\n*.md\n"
	for file, want := range map[string]bool{
		"go.mod": false, "bin/x": true, "bench/doc.go": true, "bench/load/load.go": true,
		"bench/openloop/run.go": false, "bench/openloop/run_test.go": true, "a/b/testdata/c.go": true,
		"README.md": true, "docs/x.md": false, "binary/x": false,
	} {
		if got := isIgnored(patterns, file); got != want {
			t.Errorf("%s is ignored: %t, want %t", file, got, want)
		}
	}
}

// measure --in-cluster verifies the certificates of https:// URLs in the image of lameduckctl. The
// image of every pod's Lameduck needs no authorities.
func TestTheImageOfLameduckctlHasCertificateAuthorities(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	const bundle = "/etc/ssl/certs/ca-certificates.crt" // where Go and Debian have it
	copied := regexp.MustCompile(`(?m)^COPY --from=\S+ ` + bundle + ` ` + bundle + `$`)
	for i, stage := range strings.Split(string(text), "\nFROM ") {
		name := strings.Fields(stage[:strings.Index(stage, "\n")])
		isCtl := name[0] == "scratch" && len(name) == 3 && name[2] == "lameduckctl"
		if has := copied.MatchString(stage); has != isCtl {
			t.Errorf("stage %d (%v) has certificate authorities: %t, want %t", i, name, has, isCtl)
		}
	}
	if pem, err := os.ReadFile(bundle); err == nil && !x509.NewCertPool().AppendCertsFromPEM(pem) {
		t.Errorf("%s has no certificate", bundle)
	}
}
