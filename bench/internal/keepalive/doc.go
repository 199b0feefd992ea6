// Package keepalive keeps plain TCP connections to one address for reuse.
//
// It does what the pool of a load balancer or of a careful client does, and nothing behind its
// user's back: a connection whose peer has closed it, or has sent something nobody asked for, is
// thrown away when it is taken out; whatever happens after that is reported and never tried again.
// (net/http's Transport repeats some requests by itself, which would hide the very losses that are
// being counted.)
//
// Limits: TCP only, one address for each pool, and idle connections are looked at only when they
// are taken out.
package keepalive
