// Package keepalive keeps plain TCP connections to one address for reuse.
//
// It works like the pool of a load balancer or of a careful client. A connection that the peer has
// closed, or on which it has sent unexpected data, is dropped when it is taken from the pool. Later
// errors are returned and never retried. (net/http's Transport repeats some requests, which would
// hide the losses that are counted here.)
//
// Limits: TCP only, one address for each pool, and idle connections are checked only when they are
// taken from the pool.
package keepalive
