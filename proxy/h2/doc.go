// Package h2 reads and writes the frames of HTTP/2 (RFC 9113) that matter to a relay: frame
// headers, GOAWAY and PING. Everything else, including header compression, is left to the two ends.
package h2
