package integration

import (
	"fmt"
	"os"
	"testing"
)

// peers are the clients and servers that come as Go libraries. Each is a process of its own in these tests, as one that comes as a
// program is: what it leaves behind or ends with is its own.
var peers = map[string]func(args []string) error{
	"grpc client": runGRPCClient,
	"grpc server": runGRPCServer,
	"h2spec":      runH2Spec,
	"http2":       runGoHTTP2,
	"page":        runPage,
	"websocket":   runWebSocket,
}

// peer is one of the peers, by its name.
func peer(args []string) int {
	if err := peers[args[0]](args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailure
	}
	return exitOK
}

// startPeerApp starts a peer that is a server, and returns its address when it listens there.
func startPeerApp(t *testing.T, name string, args ...string) (app *program, address string) {
	t.Helper()
	address = freeAddress(t)
	app = start(t, nil, programPath("peer"), append([]string{name, address}, args...)...)
	return app, awaitListener(t, address)
}
