// Package adminserver serves HTTP to a bounded number of connections, and keeps serving when the
// process has no descriptor left.
//
// Anybody on the network can connect to the admin address, and the kubelet must get through in any case:
// its probes decide on restarts, its preStop hook keeps the app alive. So no connection is refused. Past
// the limit the oldest connection of the client address with the most connections is closed, see package
// peerset. When accept fails for want of a descriptor, one is used that was held in reserve for that, and
// after those the connection that would be closed past the limit gives way.
//
// A connection that a handler has taken over does not count. Package waitroom bounds those.
package adminserver
