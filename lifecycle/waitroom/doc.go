// Package waitroom keeps HTTP callers waiting, without a goroutine or a buffer for each.
//
// A caller of a [Room] waits for the end of a drain. The callers are preStop hooks, and a kubelet
// treats any response, whatever its status, as permission to stop the app. So a room never responds
// because it is full. Beyond its limit it closes another caller's connection without a response:
// that of the oldest caller of the client address with the most callers, see package peerset.
// Callers that have waited since before the drain began have a limit of their own, so later callers
// cannot displace them.
//
// A waiting connection is hijacked from net/http, and its buffers are freed. What remains is the
// socket, its entry in the runtime's poller, and an entry here. On Linux a single epoll set notices
// callers that disconnect; elsewhere each connection has a goroutine that reads until it ends.
package waitroom
