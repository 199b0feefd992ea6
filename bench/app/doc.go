// Command app is the app that nobody changed: a plain net/http server. It has no signal handling, so SIGTERM kills it
// at once, whatever it is doing.
//
//	app -listen 127.0.0.1:8080
//
// GET answers "hello"; POST answers with the body that it was sent. `?wait=50ms` delays the answer, to stand for
// work.
//
// Flags make it one of the other apps that people have: -graceful ends as http.Server.Shutdown has it, -start-after
// takes its time to start, -idle-timeout closes connections that lie idle.
package main
