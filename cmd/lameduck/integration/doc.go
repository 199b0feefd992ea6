// Package integration tests the program lameduck from outside: as a process with real sockets and
// real signals, in front of real servers, behind real load balancers, and with real clients.
//
//	go test -race -run TestGRPC ./cmd/lameduck/integration
//
// The test binary is lameduck too, under another name (see TestMain). So lameduck has the race
// detector when the tests have it, and go test knows what a cached result depends on. Each test is
// in the file of the behaviour that it is about. The helpers are in harness_test.go (processes),
// lameduck_test.go, app_test.go, pod_test.go, and in a file for each server or client that is a
// program of its own.
//
// A test is skipped if a program is missing, except with CI=true.
package integration
