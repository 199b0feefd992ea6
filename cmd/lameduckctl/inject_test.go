package main

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	sigsyaml "sigs.k8s.io/yaml"

	"lameduck/deploy/ctl/manifest"
	"lameduck/deploy/deploytest"
)

// manifests holds manifests of many kinds, and their results in golden/.
const manifests = "../../deploy/ctl/inject/testdata"

// flagsLine begins a manifest that is injected with flags.
const flagsLine = "# lameduckctl inject "

// ctl runs a command as main does.
func ctl(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, output bytes.Buffer
	code = run(t.Context(), withImage(args), strings.NewReader(stdin), &out, &output)
	return asInExamples(out.String()), asInExamples(output.String()), code
}

// testRegistry takes the place of the registry of the examples, which inject refuses.
const testRegistry = "registry.test/"

// withImage adds an image that inject accepts, unless the arguments have one.
func withImage(args []string) []string {
	if len(args) < 2 || args[0] != "inject" || slices.Contains(args, "--image") {
		return args
	}
	return append(slices.Clone(args), "--image", testRegistry+"lameduck:0.1")
}

// asInExamples returns an output with the registry of the examples.
func asInExamples(text string) string {
	return strings.ReplaceAll(text, testRegistry, "registry.example/")
}

// A sample is a manifest of testdata.
type sample struct {
	name, path, text string
	flags            []string
}

func samples(t testing.TB) []sample {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(manifests, "*.yaml"))
	if err != nil || len(paths) < 40 {
		t.Fatalf("%d manifests, error %v", len(paths), err)
	}
	var all []sample
	for _, path := range paths {
		s := sample{name: strings.TrimSuffix(filepath.Base(path), ".yaml"), path: path,
			text: deploytest.ReadFile(t, path)}
		if first, _, _ := strings.Cut(s.text, "\n"); strings.HasPrefix(first, flagsLine) {
			s.flags = strings.Fields(strings.TrimPrefix(first, flagsLine))
		}
		if !slices.Contains(s.flags, "--mode") {
			s.flags = append(s.flags, "--mode", "move") // most manifests have no Services
		}
		all = append(all, s)
	}
	return all
}

// inject runs `lameduckctl inject` on a text, with the flags of the sample and more.
func (s sample) inject(t *testing.T, text string, more ...string) (stdout, stderr string,
	code int) {
	t.Helper()
	return ctl(t, text, slices.Concat([]string{"inject", "-f", "-"}, s.flags, more)...)
}

// TestInjectMatchesItsGoldenFiles compares all output. To update the golden files:
//
//	go test ./cmd/lameduckctl -update
func TestInjectMatchesItsGoldenFiles(t *testing.T) {
	for _, s := range samples(t) {
		t.Run(s.name, func(t *testing.T) {
			stdout, stderr, code := s.inject(t, s.text)
			if code == exitError {
				t.Errorf("exit code %d: %s", code, stderr)
			}
			deploytest.ExpectGolden(t, filepath.Join(manifests, "golden", s.name+".yaml"), stdout)
			deploytest.ExpectGolden(t, filepath.Join(manifests, "golden", s.name+".txt"), stderr)
		})
	}
}

func TestInjectIsIdempotent(t *testing.T) {
	for _, s := range samples(t) {
		once, _, _ := s.inject(t, s.text)
		if twice, _, _ := s.inject(t, once); twice != once {
			t.Errorf("%s: the second time it becomes\n%s", s.name, twice)
		}
	}
}

func TestUninjectRestoresTheOriginal(t *testing.T) {
	for _, s := range samples(t) {
		once, _, _ := s.inject(t, s.text)
		back, stderr, code := ctl(t, once, "inject", "-f", "-", "--uninject")
		want := exitOK
		if s.name == "protected-by-hand" {
			want = exitProblems // without a record, nothing can be removed
		}
		if code != want {
			t.Errorf("%s: exit code %d: %s", s.name, code, stderr)
		}
		if back != s.text {
			t.Errorf("%s was restored as\n%s", s.name, back)
		}
		expectSameObjects(t, s.name, s.text, back)
	}
}

// expectSameObjects compares two texts as Kubernetes reads them: a null is the same as no field.
func expectSameObjects(t *testing.T, name, want, got string) {
	t.Helper()
	w, g := decodeAll(t, name, want), decodeAll(t, name, got)
	if len(w) != len(g) {
		t.Errorf("%s: %d of %d objects were restored", name, len(g), len(w))
		return
	}
	for i := range w {
		a, errA := sigsyaml.Marshal(w[i])
		b, errB := sigsyaml.Marshal(g[i])
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s: object %d is\n%s\nand was\n%s", name, i, b, a)
		}
	}
}

// decodeAll decodes every workload as strictly as the API server does, into the types of
// Kubernetes, and everything else into maps.
func decodeAll(t *testing.T, name, text string) []any {
	t.Helper()
	file, err := manifest.Parse(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var all []any
	for _, o := range file.Objects() {
		into := typeOf(o.Kind)
		var value any
		if err := o.Decode("", &value); err != nil {
			t.Fatal(err)
		}
		text, err := yaml.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if err := sigsyaml.UnmarshalStrict(text, into); err != nil {
			t.Errorf("%s: %s: %v", name, o, err)
		}
		all = append(all, into)
	}
	return all
}

func typeOf(kind string) any {
	switch kind {
	case "Deployment":
		return new(appsv1.Deployment)
	case "StatefulSet":
		return new(appsv1.StatefulSet)
	case "DaemonSet":
		return new(appsv1.DaemonSet)
	case "ReplicaSet":
		return new(appsv1.ReplicaSet)
	case "Job":
		return new(batchv1.Job)
	case "CronJob":
		return new(batchv1.CronJob)
	case "Pod":
		return new(corev1.Pod)
	case "Service":
		return new(corev1.Service)
	}
	return new(any)
}

// TestInjectedObjectsMatchTheirSchemas also checks that names of ports and containers are unique,
// which is not in the schema.
func TestInjectedObjectsMatchTheirSchemas(t *testing.T) {
	for _, s := range samples(t) {
		stdout, _, _ := s.inject(t, s.text)
		decodeAll(t, s.name, stdout)
	}
}

// TestUnchangedLinesStayAsTheyAre finds the lines of the manifest in the result, in their order.
func TestUnchangedLinesStayAsTheyAre(t *testing.T) {
	for _, s := range samples(t) {
		if s.name == "json" {
			continue
		}
		stdout, _, _ := s.inject(t, s.text)
		out := strings.Split(stdout, "\n")
		for _, line := range strings.Split(s.text, "\n") {
			if changes(line) {
				continue
			}
			i := slices.Index(out, line)
			if i < 0 {
				t.Errorf("%s: this line was removed or moved: %s", s.name, line)
			}
			out = out[i+1:]
		}
	}
}

// changes reports whether inject may replace a line.
func changes(line string) bool {
	for _, what := range []string{
		"containerPort:", "hostPort:", "terminationGracePeriodSeconds:", "excludeInboundPorts",
		"tcpSocket:", "port: tcp-redis", "{path: /ping, port: proxy}", "prometheus.io/port:", "annotations: {",
		"command:", "containers: [", "metadata: {labels:", ": *",
	} {
		if strings.Contains(line, what) {
			return true
		}
	}
	return false
}
