// Package webhook brings Lameduck into the pods of labelled namespaces while they are created: an admission webhook.
//
//	API server ── POST /mutate (TLS) ──> handler ──> injector ──> deploy/ctl/inject
//	                                        │            └─ a JSON Patch, or a warning that says why there is none
//	                                        └─ bounds: bytes of a body, bytes of all bodies, requests at work, connections, time
//
//	Prometheus, kubelet ── /livez /readyz /metrics, in the clear, at a port of its own
//
// What it promises:
//
//   - It refuses no pod. Whatever it cannot do, the pod is created as it is, and whoever creates it is warned. Only what is no
//     AdmissionReview gets an HTTP error.
//   - It asks nobody for an answer: no request of the API server waits for another one.
//   - It answers twice what it answers once, also when other webhooks have changed the pod in between.
//   - Its own certificate is known to the API server before it is shown: while one follows the other both authorities are trusted. Any
//     number of replicas agree on it by way of one Secret, and none of them leads.
//   - On SIGTERM it goes on serving until the API server has let go of it.
//
// The certificates, by file: generation.go makes one, shared.go has what the replicas share and how that goes on in time, keeper.go keeps the
// Secret, the configuration and what is shown in step; files.go is for those that others make.
//
// Limits: the labels of a namespace are the configuration's to select by, since a request does not have them.
package webhook
