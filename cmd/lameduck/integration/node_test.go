package integration

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// nodeScript returns the command that runs a script of testdata. The script needs npm packages.
func nodeScript(t *testing.T, name string, args ...string) []string {
	t.Helper()
	node := requireProgram(t, "node", "nodejs")
	if _, err := os.Stat(testdata(t, "node_modules")); err != nil {
		lack(t, "needs npm packages: npm ci --prefix cmd/lameduck/integration/testdata")
	}
	return append([]string{node, testdata(t, name)}, args...)
}

// startNode starts a script that runs a server.
func startNode(t *testing.T, name string) (app *program, address string) {
	t.Helper()
	address = freeAddress(t)
	command := nodeScript(t, name, address)
	app = start(t, nil, command[0], command[1:]...)
	return app, awaitListener(t, address)
}

// reported returns the report that a script has printed.
func reported[T any](t *testing.T, p *program) (report T) {
	t.Helper()
	line := p.stdout.await(t, "a report", func(l string) bool { return strings.HasPrefix(l, "{") })
	if err := json.Unmarshal([]byte(line.text), &report); err != nil {
		t.Fatalf("report %q: %v", line.text, err)
	}
	return report
}
