// Package e2e has the tests on a real cluster, behind the build tag e2e. README.md explains how
// to run them.
//
//	load ──> HAProxy, nginx ──(pod IPs, removed LAG after the EndpointSlice says so)──> pods: Lameduck ──> app
//	           ▲
//	           └── watch of the EndpointSlices               checked: the load's own count, the pods' events,
//	                                                        logs and termination messages
package e2e
