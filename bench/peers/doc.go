// Package peers builds programs that Lameduck is compared with and that Debian does not package:
// Traefik, and the queue-proxy of Knative Serving. They come from the Go module proxy at pinned
// versions, with the dependencies in their own go.sum. They are built without cgo and stripped, as
// their projects release them. The go.mod of Lameduck does not depend on them.
//
// A program is built once and kept in the user's cache directory, under a name with its version and
// that of Go:
//
//	~/.cache/lameduck-bench/traefik-v3.6.12-go1.26.8
//
// Traefik takes eighteen minutes of CPU time, 178 MB on disk and downloads of some 250 modules;
// queue-proxy takes half a minute.
//
// The ports of queue-proxy's hook and metrics are constants, since in Kubernetes every pod has its
// own address, and it listens on all addresses. Here all pods share one address. So a patch makes
// queue-proxy read these ports from QUEUE_ADMIN_PORT and QUEUE_METRICS_PORT, if set, and listen on
// 127.0.0.1 only. Nothing else is changed.
package peers
