package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const drained = "drained in 12.3s (quiet; triggered by drain request): 1204 exchanges after its start, the last one 7.1s " +
	"after it; silence required: 5.2s; cut: 0 exchanges on 0 connections; not answered by the app: 0\n"

func TestDrainsReadsLogs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("[pod/shop-7c9f6d8b5-x2x4z/lameduck] "+drained), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := ctl(t, drained, "drains", path, "-")
	if code != exitOK || !strings.Contains(stdout, "shop") || !strings.Contains(stdout, "(unknown)") ||
		!strings.Contains(stdout, "7.1s") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"-o", "yaml", "-"}, `--output: must be one of text, json, html, got "yaml"`},
		{[]string{"-"}, "no drain summary found"},
		{[]string{"none"}, "open none"},
		{[]string{"--kubeconfig", "none"}, "read the kubeconfig"},
	} {
		_, stderr, code := ctl(t, "nothing\n", append([]string{"drains"}, tc.args...)...)
		if code != exitError || !strings.Contains(stderr, tc.want) {
			t.Errorf("%v: exit code %d: %s, want %q", tc.args, code, stderr, tc.want)
		}
	}
}

func TestMeasureDiffReadsTwoResults(t *testing.T) {
	example := filepath.Join("..", "..", "deploy", "ctl", "measure", "testdata", "v1.json")
	stdout, stderr, code := ctl(t, "", "measure", "diff", example, example)
	if code != exitOK || !strings.Contains(stdout, "lost: 502") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	if _, stderr, code = ctl(t, "", "measure", "diff", example, "none.json"); code != exitError || !strings.Contains(stderr, "none.json") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
