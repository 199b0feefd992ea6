package integration

import (
	"fmt"
	"os"
	"testing"
)

// peers are the clients and servers from Go libraries. Each is a process of its own in these tests,
// with its own memory, descriptors and exit code.
var peers = map[string]func(args []string) error{
	"grpc client": runGRPCClient,
	"grpc server": runGRPCServer,
	"h2spec":      runH2Spec,
	"http2":       runGoHTTP2,
	"page":        runPage,
	"websocket":   runWebSocket,
}

// peer runs the peer with a name, and returns the exit code.
func peer(args []string) int {
	if err := peers[args[0]](args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailure
	}
	return exitOK
}

// startPeerApp starts a peer that is a server, and returns its address when it listens.
func startPeerApp(t *testing.T, name string, args ...string) (app *program, address string) {
	t.Helper()
	address = freeAddress(t)
	app = start(t, nil, programPath("peer"), append([]string{name, address}, args...)...)
	return app, awaitListener(t, address)
}
