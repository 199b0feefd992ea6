package inject_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/manifest"
	"lameduck/deploy/ctl/mode"
)

// examples lists the workloads of deploy/examples with the component that each one uses.
var examples = map[string]inject.Shape{
	"nginx": inject.Native, "http": inject.Plain, "grpc": inject.Native,
	"websocket":   inject.Wrapper,
	"statefulset": inject.Native, "redirect": inject.Native,
}

// TestInjectAndTheComponentsAgree compares inject with kustomize for the same workload: both must
// lead to the same pod.
func TestInjectAndTheComponentsAgree(t *testing.T) {
	for name, shape := range examples {
		t.Run(name, func(t *testing.T) {
			own := workload(t, filepath.Join("..", "..", "examples", name, "*.yaml"))
			s := inject.Defaults()
			s.Shape, s.Mode = shape, mode.Move
			if shape == inject.Wrapper {
				s.Mode = mode.Takeover
			}
			if name == "redirect" {
				s.Mode = mode.Redirect
			}
			p, err := inject.Inject(inject.Workload{Kind: own.Kind, Template: own.Template}, s)
			if err != nil {
				t.Fatal(err)
			}
			if err := own.Apply(own.TemplatePath, p.Patch); err != nil {
				t.Fatal(err)
			}
			got := new(corev1.PodTemplateSpec)
			if err := own.Decode(own.TemplatePath, got); err != nil {
				t.Fatal(err)
			}
			delete(got.Annotations, inject.InjectedAnnotation)
			delete(got.Annotations, inject.ModeAnnotation)
			if len(got.Annotations) == 0 {
				got.Annotations = nil
			}
			want := workload(t, filepath.Join("..", "..", "kustomize", "testdata",
				name+".yaml")).Template
			if !reflect.DeepEqual(got, want) {
				t.Errorf("inject makes\n%+v\nand the component\n%+v", got, want)
			}
		})
	}
}

func TestEveryExampleIsComparedWithItsComponent(t *testing.T) {
	dirs, err := filepath.Glob("../../examples/*/kustomization.yaml")
	if err != nil || len(dirs) != len(examples) {
		t.Errorf("%d examples, the test knows %d, error %v", len(dirs), len(examples),
			err)
	}
}

// workload returns the only workload in some files.
func workload(t *testing.T, pattern string) *manifest.Workload {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	paths = slices.DeleteFunc(paths, func(path string) bool {
		return filepath.Base(path) == "kustomization.yaml"
	})
	files, err := manifest.Read(paths, os.Stdin)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		for _, o := range f.Objects() {
			w, err := o.Workload()
			if err != nil {
				t.Fatal(err)
			}
			if w != nil {
				return w
			}
		}
	}
	t.Fatalf("%s has no workload", pattern)
	return nil
}
