package main

import (
	"testing"

	"lameduck/deploy/ctl/manifest"
)

// FuzzInjectOfManifests injects arbitrary manifests: the result can be parsed, a second inject
// changes nothing, and --uninject restores the objects.
func FuzzInjectOfManifests(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once, _, code := ctl(t, text, "inject", "-f", "-")
		if code == exitError {
			return
		}
		twice, output, again := ctl(t, once, "inject", "-f", "-")
		if again != code || twice != once {
			t.Fatalf("exit code %d and then %d: %s\nonce\n%s\ntwice\n%s", code, again, output, once,
				twice)
		}
		back, output, code := ctl(t, once, "inject", "-f", "-", "--uninject")
		if code == exitError {
			t.Fatalf("exit code %d: %s", code, output)
		}
		expectSameTemplates(t, text, back)
	})
}

// expectSameTemplates compares the pod templates of two texts. The first may contain an injection.
func expectSameTemplates(t *testing.T, want, got string) {
	t.Helper()
	// An injection that was there before is removed too.
	want, _, _ = ctl(t, want, "inject", "-f", "-", "--uninject")
	w, g := templatesOf(t, want), templatesOf(t, got)
	if len(w) != len(g) {
		t.Fatalf("%d of %d workloads were restored", len(g), len(w))
	}
	for i := range w {
		if w[i] != g[i] {
			t.Fatalf("restored\n%s\nwant\n%s", g[i], w[i])
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
