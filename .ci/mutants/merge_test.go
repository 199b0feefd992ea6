package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The functions of this package have all the forms that a merged function can have.
var forms = map[string]string{
	"go.mod": "module forms\n\ngo 1.26\n",
	"forms.go": `package forms

type box[T any] struct{ v T }

func (b *box[T]) get() T { return b.v }

func (box[T]) size(_ int, n ...int) int {
	return len(n)
}

func keep[K comparable, V any](m map[K]V, k K) (v V, ok bool) {
	v, ok = m[k]
	return v, ok
}

var calls int

func count() {
	calls++
}

func add(int, string) int {
	return 1
}

func rescue(f func()) (err any) {
	defer catch(&err)
	f()
	return nil
}

func catch(err *any) {
	*err = recover()
}

func init() {
	calls = 10
}

func unharmed() int {
	return 5
}

const limit = 3

func below(n int) bool { return n < limit }
`,
	"forms_test.go": `package forms

import "testing"

func TestGet(t *testing.T) {
	if (&box[int]{3}).get() != 3 {
		t.Error()
	}
}

func TestSize(t *testing.T) {
	if (box[int]{}).size(1, 2, 3) != 2 {
		t.Error()
	}
}

func TestKeep(t *testing.T) {
	if v, ok := keep(map[string]int{"a": 1}, "a"); v != 1 || !ok {
		t.Error()
	}
}

func TestCount(t *testing.T) {
	before := calls
	if count(); calls != before+1 {
		t.Error()
	}
}

func TestAdd(t *testing.T) {
	if add(1, "") != 1 {
		t.Error()
	}
}

func TestRescue(t *testing.T) {
	if rescue(func() { panic(7) }) != 7 {
		t.Error()
	}
}

func TestInit(t *testing.T) {
	if calls < 10 {
		t.Error()
	}
}

func TestUnharmed(t *testing.T) {
	if unharmed() != 5 {
		t.Error()
	}
}

func TestElsewhere(t *testing.T) {
	t.Skip("not here")
}

func TestBelow(t *testing.T) {
	if below(3) {
		t.Error()
	}
}
`,
}

// replacing returns a mutant of forms.go in which one line is another.
func replacing(t *testing.T, tree *tree, promise, before, after, tests string) *mutant {
	t.Helper()
	lines, err := tree.lines("forms.go")
	if err != nil {
		t.Fatal(err)
	}
	at := occurrences(lines, []string{before})
	if len(at) != 1 {
		t.Fatalf("%q occurs %d times", before, len(at))
	}
	l := &located{file: "forms.go", old: lines,
		hunks: []hunk{{start: at[0] + 1, lines: []line{{'-', lines[at[0]]}, {'+', after}}}}}
	m := &mutant{promise: promise, tests: tests, patch: promise, files: []filePatch{l.refreshed()}}
	if err := m.locate(tree); err != nil {
		t.Fatal(err)
	}
	m.located = nil
	return m
}

func TestEveryMutantOfAPackageHasItsOutcome(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip(err)
	}
	tree := moduleOf(t, forms)
	want := map[string]string{}
	var mutants []*mutant
	for _, c := range []struct{ kind, promise, before, after, tests string }{
		{killed, "generic method", "func (b *box[T]) get() T { return b.v }", "func (b *box[T]) get() (v T) { return v }", "TestGet"},
		{killed, "unnamed receiver and parameter", "return len(n)", "return 0", "TestSize"},
		{killed, "generic function", "v, ok = m[k]", "_, ok = m[k]", "TestKeep"},
		{killed, "no result", "calls++", "", "TestCount"},
		{killed, "unnamed parameters", "return 1", "return 2", "TestAdd"},
		{killed, "recover", "*err = recover()", "recover()", "TestRescue"},
		{killed, "init", "calls = 10", "calls = 0", "TestInit"},
		{killed, "constant", "const limit = 3", "const limit = 4", "TestBelow"},
		{survived, "no difference", "return 5", "return 2 + 3", "TestUnharmed"},
		{survived, "other tests", "f()", "", "TestUnharmed"},
		{skipped, "a test that is skipped", "return 5", "return 8", "TestElsewhere"},
		{doesNotCompile, "a type error", "return nil", "return 1, 2", "TestRescue"},
		{fails, "no such test", "func below(n int) bool { return n < limit }", "func below(n int) bool { return n <= limit }", "TestBellow"},
	} {
		m := replacing(t, tree, c.promise, c.before, c.after, c.tests)
		m.id = len(mutants) + 1
		mutants = append(mutants, m)
		want[c.promise] = c.kind
	}
	gone := replacing(t, tree, "moved away", "return 5", "return 6", "TestUnharmed")
	gone.files[0].hunks[0].lines[2].text = "return 55"
	gone.id = len(mutants) + 1
	mutants, want[gone.promise] = append(mutants, gone), doesNotApply

	var out strings.Builder
	h := &hunter{root: tree.root, dir: t.TempDir(), tree: tree, now: time.Now,
		report: newReport(&out, false, time.Now), slots: make(chan struct{}, 2)}
	if err := h.hunt(t.Context(), mutants); !errors.Is(err, errUntested) {
		t.Errorf("error %v", err)
	}
	for promise, kind := range want {
		if !strings.Contains(out.String(), kind+"  "+promise) {
			t.Errorf("%s is not %s", promise, kind)
		}
	}
	if !strings.Contains(out.String(), "8 killed, 1 skipped, 2 survived, 1 does not compile, 1 does not apply, 1 fails") {
		t.Error("the summary is wrong")
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

func TestATestThatFailsWithoutAMutantKillsNone(t *testing.T) {
	files := map[string]string{"forms_test.go": strings.Replace(forms["forms_test.go"], "unharmed() != 5", "unharmed() != 6", 1),
		"forms.go": forms["forms.go"], "go.mod": forms["go.mod"]}
	tree := moduleOf(t, files)
	m := replacing(t, tree, "five", "return 5", "return 7", "TestUnharmed")
	m.id = 1
	var out strings.Builder
	h := &hunter{root: tree.root, dir: t.TempDir(), tree: tree, now: time.Now,
		report: newReport(&out, false, time.Now), slots: make(chan struct{}, 1)}
	if err := h.hunt(t.Context(), []*mutant{m}); !errors.Is(err, errUntested) {
		t.Errorf("error %v, want %v\n%s", err, errUntested, &out)
	}
}

func TestANewMutantIsMadeOfUnstagedChanges(t *testing.T) {
	tree := moduleOf(t, forms)
	gitIn := func(args ...string) string {
		cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.org"}, args...)...)
		cmd.Dir = tree.root
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	gitIn("init", "-q")
	gitIn("add", "-A")
	gitIn("commit", "-qm", "first")
	file := filepath.Join(tree.root, "forms.go")
	staged := strings.Replace(forms["forms.go"], "return 1", "return 1 + 0", 1)
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(staged)
	gitIn("add", "-A")
	write(strings.Replace(staged, "return 5", "return 7", 1))

	m := &mutant{id: 1, promise: "It's five", tests: "TestUnharmed"}
	if err := create(t.Context(), tree.root, m); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(file); string(text) != staged {
		t.Errorf("the file differs from the staged one:\n%s", text)
	}
	loaded, err := loadMutants(tree.root)
	if err != nil || len(loaded) != 1 || loaded[0].patch != patchDir+"/it-s-five.patch" {
		t.Fatalf("mutants %v, %v", loaded, err)
	}
	if err := hunt(t.Context(), newTree(tree.root), loaded, &options{workers: 1}, io.Discard); err != nil {
		t.Error(err)
	}
	if err := create(context.Background(), tree.root, m); err == nil {
		t.Error("a mutant was made without a change")
	}
}

func TestAChangedFileChoosesItsMutants(t *testing.T) {
	tree := moduleOf(t, forms)
	m := replacing(t, tree, "five", "return 5", "return 7", "TestUnharmed|TestOther")
	if err := m.locate(tree); err != nil {
		t.Fatal(err)
	}
	m.patch = patchDir + "/five.patch"
	for file, want := range map[string]bool{
		"forms.go":      true,
		m.patch:         true,
		"forms_test.go": true,
		"README.md":     false,
		"go.mod":        false,
	} {
		if got := m.touches(tree, []string{"go.sum", file}); got != want {
			t.Errorf("%s: %t, want %t", file, got, want)
		}
	}
	m.tests = "TestOther"
	if m.touches(tree, []string{"forms_test.go"}) {
		t.Error("a file without its tests chooses it")
	}
}

func TestNoProcessOutlivesItsMutant(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	files := map[string]string{"go.mod": forms["go.mod"], "forms.go": forms["forms.go"], "forms_test.go": fmt.Sprintf(`package forms

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

func TestUnharmed(t *testing.T) {
	if unharmed() == 5 {
		return
	}
	cmd := exec.Command("sleep", "600")
	cmd.Stdout = os.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = os.WriteFile(%q, fmt.Append(nil, cmd.Process.Pid), 0o644)
	panic("the process is left behind")
}
`, pidFile)}
	tree := moduleOf(t, files)
	m := replacing(t, tree, "five", "return 5", "return 7", "TestUnharmed")
	m.id = 1
	if err := hunt(t.Context(), tree, []*mutant{m}, &options{workers: 1}, io.Discard); err != nil {
		t.Fatal(err)
	}
	pid, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	for range 500 {
		// A process that has ended has no command line, even before it is reaped.
		if line, _ := os.ReadFile("/proc/" + string(pid) + "/cmdline"); len(line) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %s still runs", pid)
}
