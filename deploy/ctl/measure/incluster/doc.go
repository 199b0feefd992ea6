// Package incluster runs the load of a measurement as a Job, for Services that only the cluster
// reaches.
//
//	Load ── Job: lameduckctl measure --events ──> pod ──> Service
//	  ▲                                            │
//	  └────────── its log: one JSON a line ────────┘
//
// Deleting the Job ends the load: the pod gets SIGTERM and writes its report, which the log still
// has. The same deletion leaves nothing behind. If this process is killed, the Job ends and is
// deleted by itself.
//
// What may be secret (the URL, header fields, a token, a body) is in a Secret that the Job owns.
//
// Limits: the API server must be reachable for the whole time; times are those at which lines
// arrive, within the delay of the log.
package incluster
