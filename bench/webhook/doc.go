// Command load measures what the webhook takes for its answers: it builds lameduckctl, runs its webhook on one core, and sends AdmissionReviews over
// TLS on loopback at a steady rate.
//
//	go run ./bench/webhook                    1,000 a second for 60 s
//	go run ./bench/webhook -for 10s -guard    fails where the 99th percentile is 10 ms or more, or an answer is not what it should be
//
// The pods are of the usual kind, 4 KB each, of ten Deployments with one to three containers. An answer's time begins when the request is due, whether it
// could be sent then or not, so that a webhook that stalls is not asked less.
package main
