package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestWhatAPackageMustNotLink asks the Go command for all that a package depends on.
func TestWhatAPackageMustNotLink(t *testing.T) {
	for _, ban := range []struct {
		pkg, reason string
		prefixes    []string
	}{
		{"lameduck/cmd/lameduck", "what stands in every pod stays small", []string{"k8s.io/", "sigs.k8s.io/", "go.yaml.in/", "github.com/spf13/", "lameduck/deploy"}},
		{"lameduck/deploy/ctl/inject", "a plan follows from what is handed in", []string{"k8s.io/client-go", "github.com/spf13/", "lameduck/deploy/ctl/manifest", "lameduck/cmd"}},
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
