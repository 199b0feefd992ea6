// Package incluster runs the load of a measurement as a Job, for Services that are reachable only
// in the cluster.
//
//	Load ── Job: lameduckctl measure --events ──> pod ──> Service
//	  ▲                                            │
//	  └────────── its log: one JSON a line ────────┘
//
// Deleting the Job ends the load: the pod gets SIGTERM and writes its report to the log. The
// deletion also removes everything that was created. If this process is killed, the Job ends and is
// deleted by itself.
//
// Anything that may be secret (the URL, header fields, a token, a body) is in a Secret that the Job
// owns.
//
// Limits: the API server must be reachable for the whole time; times are those at which lines
// arrive, within the delay of the log.
package incluster
