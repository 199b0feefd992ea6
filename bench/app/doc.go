// Command app is the app that nobody changed: a plain net/http server which knows nothing of its own end. It has no
// signal handling, so SIGTERM kills it at once, whatever it is doing.
//
//	app -listen 127.0.0.1:8080
//
// GET answers "hello"; POST answers with the body that it was sent. `?wait=50ms` delays the answer, to stand for
// work.
package main
