package machine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// script writes a program that prints text.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestVersion(t *testing.T) {
	for text, want := range map[string]string{
		"nginx version: nginx/1.22.1":                                        "1.22.1",
		"HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/": "2.6.12",
		"2.6.2": "2.6.2",
		"wrk debian/4.1.0-3+b2 [epoll] Copyright (C) 2012 Will Glozer": "4.1.0",
		"lameduck devel\nlibrary 1.2.3":                                "devel",
		"lameduck v0.0.0-20261122085300-0123456789ab+dirty":            "v0.0.0-20261122085300-0123456789ab+dirty",
		"": "",
	} {
		program := script(t, "cat <<'END'\n"+text+"\nEND\n")
		if got := Version(t.Context(), program, "-v"); got != want {
			t.Errorf("the version in %q is %q, want %q", text, got, want)
		}
	}
}

func TestGuessVersion(t *testing.T) {
	only := `test "$1" = --version && echo 'tool 2.6.12' || exit 1`
	if got := GuessVersion(t.Context(), script(t, only)); got != "2.6.12" {
		t.Errorf("version %q, want 2.6.12", got)
	}
	if got := GuessVersion(t.Context(), script(t, "exit 1")); got != "" {
		t.Errorf("version %q, want none", got)
	}
}

func TestDescribe(t *testing.T) {
	d := Describe()
	d.Versions["nginx"], d.Versions["absent"] = "1.22.1", ""
	text := d.String()
	if d.CPU == "" || d.Cores < 1 || !strings.Contains(text, "nginx 1.22.1") || strings.Contains(text, "absent") {
		t.Errorf("the machine is described as %q", text)
	}
}
