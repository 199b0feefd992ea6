// Command app is an ordinary app: a plain net/http server. It does not handle signals, so SIGTERM
// kills it at once, even during a request.
//
//	app -listen 127.0.0.1:8080
//
// GET answers "hello"; POST echoes the request body. `?wait=50ms` delays the answer, to simulate
// work.
//
// Flags select other common kinds of app: -graceful shuts down with http.Server.Shutdown,
// -start-after starts slowly, and -idle-timeout closes idle connections.
package main
