// Package measure counts the requests that a service loses while its pods are replaced, as its
// clients see it.
//
//	URL ──> addresses of its name ──> lanes: GET, POST × kept, new connections × HTTP/1.1, HTTP/2;
//	                                    │    gRPC health checks and
//	                                    │    WebSocket pings × kept, new connections
//	                                    │
//	            openloop: each request at its time, none is sent twice
//	                                    │
//	                        Report: summary, JSON, HTML, JUnit
//
// Three properties make the count right, which most load generators lack in part:
//
//   - Requests are sent when they are due, regardless of earlier ones (package openloop). A
//     generator that waits for responses sends least while the service is at its worst.
//   - No request is sent twice. Go's http.Transport repeats a GET if a kept connection ends before
//     the response, so tools that use it do not see these losses.
//   - New and kept connections are measured side by side, since they fail at different times: new
//     ones until the load balancer stops routing to a pod, kept ones when the pod closes them.
//
// Like any careful client, it does not reuse a connection that the server closed while it was idle.
// So only connections that end during a request lose one.
//
// Limits: redirects are answers and are not followed; there is no HTTP/3.
package measure
