// Package adminserver serves HTTP to a bounded number of connections, and keeps serving when the
// process has no descriptor left.
//
// Anybody on the network can connect to the admin address, but the kubelet must always get through:
// its probes decide on restarts, and its preStop hook keeps the app alive. So no connection is
// refused. Beyond the limit, the server closes the oldest connection of the client address with the
// most connections, see package peerset. When accept fails because descriptors have run out, the
// server releases one that it holds in reserve. When the reserve is empty, it closes a connection
// as it does beyond the limit.
//
// Connections that a handler has hijacked do not count; package waitroom limits those.
package adminserver
