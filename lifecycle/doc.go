// Package lifecycle takes a process from the first sign of its termination to its exit.
//
//	Serving ──(stop signal | drain)──> Draining ──(hold ends)──> Drained ──(app exits, stop signal)──> Stopped
//
// While Draining everything is still served and clients are asked to leave. The app is kept alive
// by what waits for the end of the hold: its own preStop hook, an HTTP GET of /hold, or the stop
// signal that a child process has not got yet. The hold is a pure function of facts and time, see
// [Hold].
//
// What a drain is and what it is not:
//   - A stop signal to this process and POST /drain on the loopback address begin a drain. Nothing that
//     the network can reach does.
//   - GET /hold waits for the end of a drain. Without a drain it returns after the hook window: a
//     container of the pod restarts, and the pod does not end. It never answers because too many callers
//     wait, see package waitroom.
//   - Nothing is kept in a file: after a restart the phase is Serving.
//
// One goroutine, [Lifecycle.Run], changes the phase.
package lifecycle
