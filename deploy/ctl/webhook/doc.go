// Package webhook is an admission webhook that injects Lameduck into the pods of labelled
// namespaces when they are created.
//
//	API server ── POST /mutate (TLS) ──> handler ──> injector ──> package inject
//	                                        │            └─ returns a JSON Patch, or a warning
//	                                        └─ bounds the bytes of one body, the bytes of all bodies,
//	                                           concurrent requests, connections and time
//
//	kubelet, Prometheus ── /livez /readyz /metrics (plain HTTP, on a port of its own)
//
// What it promises:
//
//   - It never rejects a pod. If it cannot inject one, the pod is created unmodified, and the client
//     gets a warning. Only a body that is not an AdmissionReview gets an HTTP error.
//   - No answer waits for the API server or another replica. If configured, it may wait up to half
//     a second for a registry, but other requests never wait for that.
//   - It is idempotent: a second call changes nothing, even after other webhooks have changed the pod.
//   - On SIGTERM it keeps serving until the API server stops sending requests.
//
// Package certs keeps its certificate.
//
// Limits: a request does not contain the labels of the namespace, so only the webhook configuration
// can select by them.
package webhook
