package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const original = `package p

func first() int {
	a := 1
	return a
}

func second() int {
	b := 2
	return b
}

func third() int {
	b := 2
	return b
}
`

const patch = `--- a/p/p.go
+++ b/p/p.go
@@ -3,4 +3,4 @@
 func first() int {
-	a := 1
+	a := 7
 	return a
 }
`

// moduleOf writes files to a directory and returns it.
func moduleOf(t *testing.T, files map[string]string) *tree {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return newTree(root)
}

func mustParse(t *testing.T, diff string) filePatch {
	t.Helper()
	files, err := parseDiff(diff)
	if err != nil {
		t.Fatal(err)
	}
	return files[0]
}

func TestAPatchFollowsItsLines(t *testing.T) {
	twice := strings.Replace(original, "func second() int {\n\tb := 2\n\treturn b", "func second() int {\n\ta := 1\n\treturn a", 1)
	for name, c := range map[string]struct {
		files   map[string]string
		want    string // the file that is changed; empty if the patch must not apply
		problem string // a part of the error otherwise
	}{
		"where it was":            {map[string]string{"p/p.go": original}, "p/p.go", ""},
		"further down":            {map[string]string{"p/p.go": strings.Replace(original, "package p", "package p\n\nvar x = 1", 1)}, "p/p.go", ""},
		"indented more":           {map[string]string{"p/p.go": strings.ReplaceAll(original, "\t", "\t\t")}, "p/p.go", ""},
		"below another line":      {map[string]string{"p/p.go": strings.Replace(original, "first() int {", "renamed() int {", 1)}, "p/p.go", ""},
		"in another file":         {map[string]string{"p/p.go": "package p\n", "p/q.go": original}, "p/q.go", ""},
		"of a file that has gone": {map[string]string{"p/q.go": original}, "p/q.go", ""},
		"in another package":      {map[string]string{"p/p.go": "package p\n", "r/s/q.go": original}, "r/s/q.go", ""},
		"not in a test":           {map[string]string{"p/p.go": "package p\n", "p/p_test.go": original}, "", "not found"},
		"not in another package with other context": {map[string]string{"p/p.go": "package p\n",
			"r/q.go": strings.Replace(original, "first() int {", "renamed() int {", 1)}, "", "not found"},
		"not if the line has changed": {map[string]string{"p/p.go": strings.Replace(original, "a := 1", "a := 3", 1)}, "", `not found: "a := 1"`},
		"not if two places match what is left of the context": {map[string]string{
			"p/p.go": strings.Replace(twice, "first() int {", "renamed() int {", 1)}, "", "there 2 times"},
		"not in another file if two places match in its own": {map[string]string{
			"p/p.go": strings.Replace(twice, "first() int {", "renamed() int {", 1),
			"p/q.go": "package p\n\nfunc third() int {\n\ta := 1\n\treturn 9 * a\n}\n"}, "", "there 2 times"},
		"not if two files match": {map[string]string{"p/p.go": "package p\n", "p/q.go": original, "p/r.go": original}, "", "p/q.go and in p/r.go"},
	} {
		t.Run(name, func(t *testing.T) {
			tree := moduleOf(t, c.files)
			l, err := mustParse(t, patch).locate(tree)
			if c.want == "" {
				if err == nil || !strings.Contains(err.Error(), c.problem) {
					t.Fatalf("error %v, want one with %q", err, c.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Replace(c.files[c.want], "a := 1", "a := 7", 1)
			if got := string(join(l.new)); l.file != c.want || strings.ReplaceAll(got, "\t", "") != strings.ReplaceAll(want, "\t", "") {
				t.Errorf("%s is\n%s, want %s as\n%s", l.file, got, c.want, want)
			}
		})
	}
}

func TestAPatchMustMatchOnce(t *testing.T) {
	tree := moduleOf(t, map[string]string{"p/p.go": original})
	ambiguous := "--- a/p/p.go\n+++ b/p/p.go\n@@ -9,2 +9,2 @@\n-\tb := 2\n+\tb := 3\n \treturn b\n"
	if _, err := mustParse(t, ambiguous).locate(tree); err == nil || !strings.Contains(err.Error(), "lines 9 and 14") {
		t.Errorf("error %v, want one with both lines", err)
	}
}

func TestRefreshedPatchesHaveEnoughContext(t *testing.T) {
	tree := moduleOf(t, map[string]string{"p/p.go": original})
	// The change of the third function, with so little context that only the line number
	// distinguishes it.
	lines, _ := tree.lines("p/p.go")
	l := &located{file: "p/p.go", old: lines, hunks: []hunk{{start: 14, lines: []line{{'-', "\tb := 2"}, {'+', "\tb := 3"}}}}}
	text := format([]filePatch{l.refreshed()})
	if !strings.Contains(text, "@@ -12,5 +12,5 @@ func third() int {\n \n func third() int {\n") {
		t.Errorf("the patch is\n%s", text)
	}
	again, err := mustParse(t, text).locate(tree)
	if err != nil {
		t.Fatal(err)
	}
	if got := format([]filePatch{again.refreshed()}); got != text {
		t.Errorf("refreshed twice, the patch is\n%s, before\n%s", got, text)
	}
}

// Git accepts the patches.
func TestPatchesAreUnifiedDiffs(t *testing.T) {
	tree := moduleOf(t, map[string]string{"p/p.go": original})
	l, err := mustParse(t, patch).locate(tree)
	if err != nil {
		t.Fatal(err)
	}
	m := &mutant{promise: "p: one", tests: "TestOne", files: []filePatch{l.refreshed()}}
	cmd := exec.Command("git", "apply", "-")
	cmd.Dir, cmd.Stdin = tree.root, strings.NewReader(m.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git apply: %v\n%s\n%s", err, out, m)
	}
	text, err := os.ReadFile(filepath.Join(tree.root, "p/p.go"))
	if err != nil || string(text) != string(join(l.new)) {
		t.Errorf("git makes %s, %v", text, err)
	}
}

func TestMalformedPatchesAreRefused(t *testing.T) {
	header := "Promise: p: one\nTests: TestOne\n"
	for name, c := range map[string]struct{ text, want string }{
		"no diff":           {header + "\nnothing\n", "no diff"},
		"no header":         {patch, "header"},
		"no promise":        {"Tests: TestOne\n\n" + patch, "Promise and Tests"},
		"an unknown line":   {header + "Test: TestOne\n\n" + patch, `unknown header line "Test"`},
		"a bad expression":  {"Promise: p: one\nTests: (\n\n" + patch, "header line Tests: "},
		"only added lines":  {header + "\n--- a/p/p.go\n+++ b/p/p.go\n@@ -3,0 +3,1 @@\n+x\n", "a line of context"},
		"a line without op": {header + "\n--- a/p/p.go\n+++ b/p/p.go\n@@ -3 +3 @@\nx\n", "begins with"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseMutant(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

// A patch that no longer applies is noticed before a run of the mutants, which takes longer.
func TestEveryPatchApplies(t *testing.T) {
	root, err := moduleRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mutants, err := loadMutants(root)
	if err != nil || len(mutants) == 0 {
		t.Fatalf("%d mutants, %v", len(mutants), err)
	}
	tree := newTree(root)
	for _, m := range mutants {
		if err := m.locate(tree); err != nil {
			t.Errorf("%s: %v", m.patch, err)
		}
	}
}
