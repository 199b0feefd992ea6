package kustomize_test

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"lameduck/deploy/deploytest"
	"lameduck/deploy/deploytest/manifests"
)

// shapes are the components for users.
var shapes = []string{"native", "plain", "wrapper"}

// examples are the directories in examples, with the component that each uses.
var examples = map[string]string{
	"nginx": "native", "http": "plain", "grpc": "native", "websocket": "wrapper", "statefulset": "native",
	"redirect": "redirect",
}

// TestEveryExampleMatchesItsGoldenFile compares the output of `kubectl kustomize`. To update:
//
//	go test ./deploy/kustomize -update
func TestEveryExampleMatchesItsGoldenFile(t *testing.T) {
	for name := range examples {
		t.Run(name, func(t *testing.T) {
			deploytest.ExpectGolden(t, "testdata/"+name+".yaml", manifests.YAML(t, buildExample(t, name)))
		})
	}
	t.Run("observability", func(t *testing.T) {
		deploytest.ExpectGolden(t, "testdata/observability.yaml",
			manifests.YAML(t, manifests.Build(t, "../observability")))
	})
}

func TestEveryExampleIsListed(t *testing.T) {
	dirs, err := filepath.Glob("../examples/*/kustomization.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, d := range dirs {
		found = append(found, filepath.Base(filepath.Dir(d)))
	}
	if want := slices.Sorted(maps.Keys(examples)); !slices.Equal(found, want) {
		t.Errorf("directories %v, this test has %v", found, want)
	}
}

// team returns an in-memory directory with files of a team and a kustomization that lists them as
// resources, with a component.
func team(t *testing.T, component string, files map[string]string) (fs filesys.FileSystem, dir string) {
	t.Helper()
	fs = filesys.MakeFsInMemory()
	manifests.CopyTree(t, fs, "/deploy/kustomize", ".")
	kustomization := "components: [../deploy/kustomize/" + component + "]\nresources:\n"
	for name, text := range files {
		kustomization += "  - " + name + "\n"
		manifests.WriteFile(t, fs, "/team/"+name, text)
	}
	manifests.WriteFile(t, fs, "/team/kustomization.yaml", kustomization)
	return fs, "/team"
}

// TestTheWebhookMatchesItsGoldenFiles builds it with each of its components.
func TestTheWebhookMatchesItsGoldenFiles(t *testing.T) {
	for name, component := range manifests.WebhookComponents {
		t.Run(name, func(t *testing.T) {
			m := manifests.BuildWebhook(t, "..", component)
			deploytest.ExpectGolden(t, "testdata/webhook-"+name+".yaml", manifests.YAML(t, m))
		})
	}
}

func buildExample(t *testing.T, name string) resmap.ResMap {
	t.Helper()
	return manifests.Build(t, "../examples/"+name)
}
