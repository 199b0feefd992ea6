package deploy_test

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

var update = flag.Bool("update", false, "write the golden files anew")

// shapes are the components that a user chooses from.
var shapes = []string{"native", "plain", "wrapper"}

// examples are the directories of complete workloads, with the component that each uses.
var examples = map[string]string{
	"nginx": "native", "http": "plain", "grpc": "native", "websocket": "wrapper", "statefulset": "native",
}

// TestEveryExampleIsBuiltAsItsGoldenFileSays compares what `kubectl kustomize` prints. After a change that is meant:
//
//	go test ./deploy -update
func TestEveryExampleIsBuiltAsItsGoldenFileSays(t *testing.T) {
	for name := range examples {
		t.Run(name, func(t *testing.T) {
			expectGolden(t, "kustomize", name, yamlOf(t, buildExample(t, name)))
		})
	}
	t.Run("observability", func(t *testing.T) {
		expectGolden(t, "kustomize", "observability", yamlOf(t, build(t, filesys.MakeFsOnDisk(), "observability")))
	})
}

func TestEveryExampleIsListed(t *testing.T) {
	dirs, err := filepath.Glob("examples/*/kustomization.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, d := range dirs {
		found = append(found, filepath.Base(filepath.Dir(d)))
	}
	if want := slices.Sorted(maps.Keys(examples)); !slices.Equal(found, want) {
		t.Errorf("the directories are %v, the tests know %v", found, want)
	}
}

func expectGolden(t *testing.T, dir, name, got string) {
	t.Helper()
	path := filepath.Join(dir, "testdata", name+".yaml")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("what is built is something else than %s says; go test ./deploy -update writes it anew, git diff shows the change.\n%s", path, got)
	}
}

func buildExample(t *testing.T, name string) resmap.ResMap {
	t.Helper()
	return build(t, filesys.MakeFsOnDisk(), filepath.Join("examples", name))
}

func build(t *testing.T, fs filesys.FileSystem, dir string) resmap.ResMap {
	t.Helper()
	m, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(fs, dir)
	if err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	return m
}

func yamlOf(t *testing.T, m resmap.ResMap) string {
	t.Helper()
	text, err := m.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// team is a directory of a team's own, beside ours, in memory: its files and a kustomization that lists resources and a component.
func team(t *testing.T, component string, files map[string]string) (fs filesys.FileSystem, dir string) {
	t.Helper()
	fs = filesys.MakeFsInMemory()
	copyTree(t, fs, "kustomize")
	kustomization := "components: [../deploy/kustomize/" + component + "]\nresources:\n"
	for name, text := range files {
		kustomization += "  - " + name + "\n"
		writeFile(t, fs, "/team/"+name, []byte(text))
	}
	writeFile(t, fs, "/team/kustomization.yaml", []byte(kustomization))
	return fs, "/team"
}

func copyTree(t *testing.T, to filesys.FileSystem, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		writeFile(t, to, "/deploy/"+path, text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func writeFile(t *testing.T, fs filesys.FileSystem, path string, text []byte) {
	t.Helper()
	if err := fs.WriteFile(path, text); err != nil {
		t.Fatal(err)
	}
}
