// Package adminserver serves HTTP to a bounded number of connections, and keeps serving when the
// process has no descriptor left.
//
// Anybody on the network can connect to the admin address, and the kubelet must get through in any case:
// its probes decide on restarts, its preStop hook keeps the app alive. So no connection is refused. Past
// the limit the oldest connection of the client address with the most connections is closed, see package
// peerset. When accept fails because descriptors have run out, the server releases one that it has held in
// reserve, and when those are used up, it closes the connection that would be closed past the limit.
//
// A connection that a handler has taken over does not count. Package waitroom bounds those.
package adminserver
