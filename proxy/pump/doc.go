// Package pump moves the bytes of one direction of a relayed connection: through a buffer that it
// borrows while there are bytes to hold, or with splice(2) from kernel to kernel.
//
// It knows message bodies by their length only (package h1), and nothing of requests, drains or the
// other direction.
package pump
