package manifest

import (
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Patches returns the names of the files that a kustomization among the files uses as patches. They
// change objects, and are not objects themselves.
func Patches(files []*File) map[string]bool {
	patches := make(map[string]bool)
	for _, f := range files {
		for _, o := range f.Objects() {
			if !strings.HasPrefix(o.APIVersion, "kustomize.config.k8s.io/") && o.Kind != "Kustomization" {
				continue
			}
			for _, path := range o.patchFiles() {
				patches[filepath.Join(filepath.Dir(f.Name), path)] = true
			}
		}
	}
	return patches
}

// patchFiles returns the paths of the patches of a kustomization. Some entries contain the patch
// itself instead.
func (o *Object) patchFiles() []string {
	var k struct {
		Patches               []struct{ Path string }
		PatchesJSON6902       []struct{ Path string } `json:"patchesJson6902"`
		PatchesStrategicMerge []string
	}
	if o.Decode("", &k) != nil {
		return nil // kustomize reports the error
	}
	paths := k.PatchesStrategicMerge
	for _, p := range append(k.Patches, k.PatchesJSON6902...) {
		if p.Path != "" {
			paths = append(paths, p.Path)
		}
	}
	return paths
}

// IsPatch reports whether the object is a strategic merge patch: it has a directive such as $patch,
// or it is a workload with neither a selector nor an image, which no API server accepts.
func (o *Object) IsPatch() bool {
	directive := false
	o.eachNode("", o.Document.yaml.Node(o.Path), func(_ string, n *yaml.Node) bool {
		for i := 0; i+1 < len(n.Content); i += 2 {
			directive = directive || isDirective(n.Content[i].Value)
		}
		return !directive
	})
	return directive || o.isPartial()
}

func isDirective(key string) bool {
	return key == "$patch" || key == "$retainKeys" || strings.HasPrefix(key, "$setElementOrder/") ||
		strings.HasPrefix(key, "$deleteFromPrimitiveList/")
}

// isPartial reports whether an object of the group apps lacks what the API server requires.
func (o *Object) isPartial() bool {
	path, is := templates["apps"][o.Kind]
	if !is || o.group() != "apps" || o.has("/spec/selector") {
		return false
	}
	containers := o.elements(path + "/spec/containers")
	return !slices.ContainsFunc(containers, func(c string) bool { return o.has(c + "/image") })
}
