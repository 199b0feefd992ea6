// Package socket makes TCP connections and accepts them with as few system calls and as little
// memory as the runtime's poller allows. Package net needs more of both: it queries the addresses
// of every connection, waits for connections to a local app that are established already, and
// allocates the addresses separately. For a request on a new connection that was a fifth of the
// relay's CPU time.
//
// It is used on Linux. Elsewhere the relay uses package net.
package socket
