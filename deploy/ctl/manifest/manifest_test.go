package manifest

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"lameduck/deploy/ctl/jsonpatch"
)

// parse parses a text that is valid.
func parse(t *testing.T, text string) *File {
	t.Helper()
	file, err := Parse("f.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestFilesDirectoriesAndStandardInputAreRead(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.yaml", "a.yml", "c.json", "README.md", ".hidden.yaml"} {
		write(t, filepath.Join(dir, name), "kind: "+name+"\n")
	}
	if err := os.Mkdir(filepath.Join(dir, "below.yaml"), 0o755); err != nil {
		t.Fatal(err)
	}
	files, err := Read([]string{dir, "-", filepath.Join(dir, "README.md")},
		strings.NewReader("kind: in\n"))
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, f := range files {
		for _, o := range f.Objects() {
			kinds = append(kinds, o.Kind)
		}
	}
	want := []string{"a.yml", "b.yaml", "c.json", "in", "README.md"}
	if !reflect.DeepEqual(kinds, want) {
		t.Errorf("read %v, want %v", kinds, want)
	}
}

func TestUnreadableInputIsAnError(t *testing.T) {
	empty := t.TempDir()
	for _, path := range []string{empty, filepath.Join(empty, "none.yaml")} {
		if _, err := Read([]string{path}, nil); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v", path, err)
		}
	}
}

// Every document with an error is reported, with the position.
func TestErrorsHaveAPosition(t *testing.T) {
	_, err := Parse("f.yaml", []byte("a: 1\n---\nb: [\n---\nc: 1\n---\n\n\td: 1\n"))
	if err == nil || !strings.Contains(err.Error(), "f.yaml:") ||
		strings.Count(err.Error(), "\n") != 1 || !strings.Contains(err.Error(), "f.yaml:8: ") {
		t.Errorf("error %v", err)
	}
	o := parse(t, "# x\n---\nkind: Deployment\napiVersion: apps/v1\nspec:\n  template:\n    "+
		"spec:\n      containers: 3\n").Objects()[0]
	if _, err := o.Workload(); err == nil || !strings.Contains(err.Error(), "f.yaml:8:7: Deployment : spec.template.spec.containers: must be a list, got number") {
		t.Errorf("error %v", err)
	}
}

func TestEveryDocumentIsWrittenAsItWasRead(t *testing.T) {
	for _, text := range []string{
		"", "\n", "# only a comment", "---\n", "a: 1", "a: 1\n---\nb: 2\n",
		"---\na: 1\n...\n---\n---\nb: |\n  ---\n  x\n", "a: 1\r\n---\r\nb: 2\r\n",
		"%YAML 1.1\n---\na: 1\n", "--- # a comment\na: 1\n", "a: ---\n", "a: 1\n--- {b: 2}\n",
	} {
		if got := string(parse(t, text).Text()); got != text {
			t.Errorf("%q is written as %q", text, got)
		}
	}
	file := parse(t, "a: 1\n---\nb: |\n  ---\n  x\n---\n# c\n")
	if len(file.Documents) != 3 || len(file.Objects()) != 2 ||
		file.Documents[1].scalar("/b") != "---\nx\n" {
		t.Errorf("%d documents and %d objects", len(file.Documents), len(file.Objects()))
	}
}

func TestListsAreSplitIntoObjects(t *testing.T) {
	file := parse(t, `
kind: List
items:
  - {kind: A, metadata: {name: a, namespace: n}}
  - kind: DeploymentList
    items: [{kind: B, apiVersion: apps/v1}]
  - 3
---
kind: AllowList
`)
	var got []string
	for _, o := range file.Objects() {
		got = append(got, o.Path+" "+o.APIVersion+" "+o.Namespace+" "+o.String())
	}
	want := []string{"/items/0  n A a", "/items/1/items/0 apps/v1  B ", "   AllowList "}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAPositionIsThatOfTheKey(t *testing.T) {
	o := parse(t, "# x\n---\nkind: A\nspec:\n  list:\n    - name: é\n      value: 1\n  a/b: {c: "+
		"2}\n").Objects()[0]
	for pointer, want := range map[string]string{
		"": "f.yaml:3:1", "/kind": "f.yaml:3:1", "/spec/list": "f.yaml:5:3",
		"/spec/list/0": "f.yaml:6:7", "/spec/list/0/value": "f.yaml:7:7",
		"/spec/a~1b/c": "f.yaml:8:9", "/spec/list/7/x": "f.yaml:5:3",
		"/nowhere/at/all": "f.yaml:3:1",
	} {
		if got := o.Position(pointer).String(); got != want {
			t.Errorf("%s is at %s, want %s", pointer, got, want)
		}
	}
}

func TestWorkloadsAreFoundByGroupAndKind(t *testing.T) {
	for header, path := range map[string]string{
		"apiVersion: apps/v1\nkind: Deployment\nspec: {template: {spec: {hostname: " +
			"x}}}": "/spec/template",
		"apiVersion: apps/v1\nkind: DaemonSet\nspec: {template: {spec: {hostname: " +
			"x}}}": "/spec/template",
		"apiVersion: batch/v1\nkind: CronJob\nspec: {jobTemplate: {spec: {template: {spec: " +
			"{hostname: x}}}}}": "/spec/jobTemplate/spec/template",
		"apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec: {template: {spec: {hostname: " +
			"x}}}": "/spec/template",
		"apiVersion: v1\nkind: Pod\nspec: {hostname: x}": "",
		"apiVersion: other.example/v1\nkind: Deployment\nspec: {template: {spec: {hostname: " +
			"x}}}": "none",
		"apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec: {workloadRef: {name: x}}": "none",
	} {
		w, err := parse(t, header).Objects()[0].Workload()
		switch {
		case err != nil:
			t.Errorf("%s: %v", header, err)
		case w == nil && path != "none", w != nil && (w.TemplatePath != path || w.Template.Spec.Hostname != "x"):
			t.Errorf("%s: got %+v", header, w)
		}
	}
}

// A patch is relative to the pod template, and an error has the template's position.
func TestAPatchIsAppliedAtAPointerOrNotAtAll(t *testing.T) {
	const text = "kind: List\nitems:\n  - a:\n      b: 1\n"
	file := parse(t, text)
	replace := jsonpatch.Operation{Op: "replace", Path: "/b", Value: 2}
	missing := jsonpatch.Operation{Op: "remove", Path: "/c"}
	err := file.Objects()[0].Apply("/a", []jsonpatch.Operation{replace, missing})
	if err == nil || !strings.Contains(err.Error(), "f.yaml:3:5: remove /items/0/a/c: ") {
		t.Errorf("error %v", err)
	}
	if got := string(file.Text()); got != text {
		t.Errorf("half of the patch is applied:\n%s", got)
	}
	if err := file.Objects()[0].Apply("/a", []jsonpatch.Operation{replace}); err != nil {
		t.Fatal(err)
	}
	if got, want := string(file.Text()), strings.Replace(text, "1", "2", 1); got != want {
		t.Errorf("got\n%s", got)
	}
}
