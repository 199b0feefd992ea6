// Package waitroom keeps HTTP callers waiting, without a goroutine or a buffer for each.
//
// A caller of a [Room] waits for the end of a drain. The callers are preStop hooks, and a kubelet takes
// every answer, whatever its status, for the permission to stop the app. So a room never answers
// because it is full. Past its limit it closes the connection of another caller without an answer:
// that of the oldest caller of the client address with the most callers, see package peerset. Callers
// that have waited since before the drain began have places of their own, which no later caller takes.
//
// A waiting connection is taken over from net/http and its buffers are freed. What is left is the
// socket, its entry in the runtime's poller, and an entry here. On Linux a single epoll set notices the
// callers that leave; elsewhere a goroutine for each reads until its connection ends.
package waitroom
