package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestForbiddenImports lists all dependencies of a package with the go command.
func TestForbiddenImports(t *testing.T) {
	for _, ban := range []struct {
		pkg, reason string
		prefixes    []string
	}{
		{"lameduck/cmd/lameduck", "the program in every pod stays small", []string{
			"k8s.io/", "sigs.k8s.io/", "go.yaml.in/", "github.com/spf13/", "lameduck/deploy",
			"github.com/google/go-containerregistry"}},
		{"lameduck/cmd/lameduck/config", "a configuration depends on its variables alone", []string{
			"k8s.io/", "net/http", "lameduck/proxy", "lameduck/lifecycle", "lameduck/deploy"}},
		{"lameduck/deploy/ctl/inject", "a plan depends on its arguments alone", []string{
			"k8s.io/client-go", "github.com/spf13/", "lameduck/deploy/ctl/manifest",
			"github.com/google/go-containerregistry",
			"lameduck/deploy/ctl/yamledit",
			"lameduck/cmd/lameduckctl", "lameduck/proxy", "lameduck/lifecycle"}},
		{"lameduck/deploy/ctl/manifest", "manifests are read and edited for any purpose", []string{
			"lameduck/deploy/ctl/inject", "lameduck/deploy/ctl/lint", "k8s.io/client-go",
			"lameduck/cmd"}},
		{"lameduck/bench/openloop", "the engine is a leaf: the bench and lameduckctl count with it", []string{
			"lameduck/bench/internal", "lameduck/bench/load", "lameduck/deploy", "lameduck/cmd",
			"lameduck/proxy", "lameduck/lifecycle", "k8s.io/", "golang.org/x/"}},
		{"lameduck/cmd/lameduckctl", "of the bench lameduckctl uses only the engine of its load", []string{
			"lameduck/bench/internal", "lameduck/bench/load", "lameduck/bench/trial", "lameduck/bench/page"}},
	} {
		listed, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ban.pkg).Output()
		if err != nil {
			t.Fatal(err)
		}
		deps := strings.Fields(string(listed))
		if len(deps) < 10 {
			t.Errorf("%s depends on %v", ban.pkg, deps)
		}
		for _, dep := range deps {
			for _, prefix := range ban.prefixes {
				if strings.HasPrefix(dep, prefix) {
					t.Errorf("%s links %s: %s", ban.pkg, dep, ban.reason)
				}
			}
		}
	}
}
