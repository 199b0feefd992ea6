package main

import (
	"testing"

	"lameduck/deploy/ctl/manifest"
)

// FuzzInjectOfManifests lets the fuzzer write manifests: whatever comes out can be read, the second
// time changes nothing, and --uninject gives the objects back.
func FuzzInjectOfManifests(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once, _, code := ctl(t, text, "inject", "-f", "-")
		if code == exitError {
			return
		}
		twice, said, again := ctl(t, once, "inject", "-f", "-")
		if again != code || twice != once {
			t.Fatalf("exit code %d and then %d: %s\nonce\n%s\ntwice\n%s", code, again, said, once, twice)
		}
		back, said, code := ctl(t, once, "inject", "-f", "-", "--uninject")
		if code != exitOK {
			t.Fatalf("exit code %d: %s", code, said)
		}
		expectSameTemplates(t, text, back)
	})
}

// expectSameTemplates compares the pod templates of two texts, one of which may have been injected
// before.
func expectSameTemplates(t *testing.T, want, got string) {
	t.Helper()
	// What had been injected already goes out too.
	want, _, _ = ctl(t, want, "inject", "-f", "-", "--uninject")
	w, g := templatesOf(t, want), templatesOf(t, got)
	if len(w) != len(g) {
		t.Fatalf("%d workloads come back of %d", len(g), len(w))
	}
	for i := range w {
		if w[i] != g[i] {
			t.Fatalf("it comes back as\n%s\nand was\n%s", g[i], w[i])
		}
	}
}

func templatesOf(t *testing.T, text string) []string {
	t.Helper()
	file, err := manifest.Parse("f", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, o := range file.Objects() {
		w, err := o.Workload()
		if err != nil {
			t.Fatal(err)
		}
		if w != nil {
			all = append(all, w.Template.String())
		}
	}
	return all
}
