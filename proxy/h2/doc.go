// Package h2 reads and writes the frames of HTTP/2 (RFC 9113) that matter to who relays them: it knows frame headers,
// GOAWAY and PING, and leaves everything else, header compression included, to the two ends.
package h2
