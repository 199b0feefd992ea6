package integration

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// nodeScript returns the command that runs a script of testdata that needs the packages that are installed there.
func nodeScript(t *testing.T, name string, args ...string) []string {
	t.Helper()
	node := requireProgram(t, "node", "nodejs")
	if _, err := os.Stat(testdata(t, "node_modules")); err != nil {
		lack(t, "needs npm's packages: npm ci --prefix cmd/lameduck/integration/testdata")
	}
	return append([]string{node, testdata(t, name)}, args...)
}

// startNode starts a script that serves at an address.
func startNode(t *testing.T, name string) (app *program, address string) {
	t.Helper()
	address = freeAddress(t)
	command := nodeScript(t, name, address)
	app = start(t, nil, command[0], command[1:]...)
	return app, awaitListener(t, address)
}

// A script's client works until its standard input ends.
func TestNodeGRPCLosesNothing(t *testing.T) {
	t.Parallel()
	app, address := startNode(t, "grpc-server.js")
	p := startPod(t, app, address, append(realHold, "LAMEDUCK_GRACE_PERIOD=120s")...)
	command := nodeScript(t, "grpc-client.js", p.duck.front)
	cmd := newCommand(nil, command[0], command[1:]...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	client := startCommand(t, cmd)
	client.stdout.await(t, "busy", func(l string) bool { return l == "busy" })
	hook := p.beginEnd(t)
	eventually(t, "two connections have ended that were told to leave", func() bool {
		client.wantRunning(t, "nobody has told it to stop")
		return p.duck.told(t, "http2") == 2
	})
	_ = stdin.Close()
	client.wantExit(t, 0)
	p.end(t, hook)
	p.duck.wantQuietEnd(t)
	got, answered := reported[grpcReport](t, client), reported[grpcReport](t, p.app)
	if got.Calls < 100 || got.Streams < 1 || len(got.Faults) > 0 {
		t.Errorf("the client says %+v, want calls and streams and no faults", got)
	}
	if answered.Calls != got.Calls || answered.Streams != got.Streams {
		t.Errorf("the app has answered %+v, want each of %+v once", answered, got)
	}
}

// A grpcReport is what the scripts say in the end.
type grpcReport struct {
	Calls, Streams int
	Faults         []string
}

// reported returns what a script has said.
func reported[T any](t *testing.T, p *program) (report T) {
	t.Helper()
	line := p.stdout.await(t, "a report", func(l string) bool { return strings.HasPrefix(l, "{") })
	if err := json.Unmarshal([]byte(line.text), &report); err != nil {
		t.Fatalf("report %q: %v", line.text, err)
	}
	return report
}
