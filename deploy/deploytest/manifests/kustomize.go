package manifests

import (
	"os"
	"path/filepath"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// Build builds a directory of the disk like `kubectl kustomize`.
func Build(t testing.TB, dir string) resmap.ResMap {
	t.Helper()
	return BuildFrom(t, filesys.MakeFsOnDisk(), dir)
}

// BuildFrom builds a directory of a file system.
func BuildFrom(t testing.TB, fs filesys.FileSystem, dir string) resmap.ResMap {
	t.Helper()
	m, err := TryBuild(fs, dir)
	if err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	return m
}

// TryBuild builds a directory and returns the error of Kustomize.
func TryBuild(fs filesys.FileSystem, dir string) (resmap.ResMap, error) {
	return krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(fs, dir)
}

// YAML returns the output of `kubectl kustomize`.
func YAML(t testing.TB, m resmap.ResMap) string {
	t.Helper()
	text, err := m.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// CopyTree copies a directory of the disk to a path of another file system.
func CopyTree(t testing.TB, to filesys.FileSystem, path, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(file string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		return to.WriteFile(filepath.Join(path, relative), text)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// WriteFile writes a file of a file system.
func WriteFile(t testing.TB, fs filesys.FileSystem, path, text string) {
	t.Helper()
	if err := fs.WriteFile(path, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// WebhookComponents are the components of kustomize/webhook by the values file of the chart that
// corresponds to them. An empty name means no component.
var WebhookComponents = map[string]string{"default": "", "monitored": "monitoring", "certificate": "certificate"}

// BuildWebhook builds the webhook with one of WebhookComponents, from the directory deploy.
func BuildWebhook(t testing.TB, deploy, component string) resmap.ResMap {
	t.Helper()
	fs := filesys.MakeFsInMemory()
	for _, dir := range []string{"kustomize/webhook", "helm/lameduck-webhook/files"} {
		CopyTree(t, fs, filepath.Join("/deploy", dir), filepath.Join(deploy, dir))
	}
	kustomization := "resources: [../deploy/kustomize/webhook]\n"
	if component != "" {
		kustomization += "components: [../deploy/kustomize/webhook/" + component + "]\n"
	}
	WriteFile(t, fs, "/team/kustomization.yaml", kustomization)
	return BuildFrom(t, fs, "/team")
}
