// Package lifecycle takes a pod's end, or a service's, from the first sign of it to the exit of the process.
//
//	Serving ──(stop signal | drain)──> Draining ──(hold ends)──> Drained ──(app gone, or told)──> Stopped
//
// While Draining everything is still served and clients are asked to leave; the app is kept alive by what waits for the
// end of the hold: its own preStop hook, an HTTP GET of /hold, or the stop signal that a child process has not got yet.
// The hold is a pure function of facts and time, see [Hold].
//
// What a drain is and what it is not:
//   - A stop signal to this process and POST /drain on the loopback address begin a drain. Nothing that the network can
//     reach does.
//   - GET /hold waits for the end of a drain. With no drain it is let go after the hook window: a container of the pod is
//     being restarted, and that is not the pod's end. It never answers because too many callers wait, see package
//     waitroom.
//   - Nothing is kept in a file: after a restart the phase is Serving.
//
// One goroutine, [Lifecycle.Run], owns every decision to change the phase.
package lifecycle
