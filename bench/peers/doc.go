// Package peers builds the programs that Lameduck is compared with and that Debian has no package of: Traefik, and the
// queue-proxy of Knative Serving. They come from the Go module proxy at pinned versions, with the dependencies that
// their own go.sum names, and are built without cgo and stripped, as their projects release them. Nothing of them
// enters our go.mod.
//
// A program is built once and kept in the user's cache directory, under a name that says its version and that of Go:
//
//	~/.cache/lameduck-bench/traefik-v3.6.12-go1.26.8
//
// Traefik takes eighteen minutes of a processor's time, 178 MB on the disk and the downloads of some 250 modules;
// queue-proxy takes half a minute.
//
// queue-proxy takes ports for its hook and for its metrics that are constants, since in Kubernetes every pod has an
// address of its own, and listens on all of them. Here all pods share one address, so that what is built takes these
// ports from QUEUE_ADMIN_PORT and QUEUE_METRICS_PORT, where they are set, and listens on 127.0.0.1 alone. Nothing else is
// changed.
package peers
