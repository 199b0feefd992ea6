// Command webhook measures the latency of the webhook. It builds lameduckctl, runs its webhook on
// one core, and sends AdmissionReviews over TLS on loopback at a constant rate.
//
//	go run ./bench/webhook                    1,000 a second for 60 s
//	go run ./bench/webhook -for 10s -guard    fails if the 99th percentile is 10 ms or more,
//	                                          or an answer is wrong
//
// The pods are typical: 4 KB each, of ten Deployments with one to three containers. Latency is
// measured from the time at which a request is due, so that a webhook that stalls does not receive
// fewer requests.
package main
