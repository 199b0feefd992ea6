// Package sockdiag reads the TCP sockets of the process's own network namespace from the kernel.
//
//	Conn.EachListener    ──> NETLINK_SOCK_DIAG ──┬─> inet_diag_msg, one per socket
//	Conn.EachConnection  ──>   (no privilege)    │
//	                                             └─> refused (gVisor, seccomp): /proc/net/tcp, tcp6
//	Ends                 <── its destroy groups, one inet_diag_msg per socket that ends
//
// Reading a socket costs its owner nothing, unlike a connection that tests whether a process
// accepts: that one takes a place in the backlog.
//
// # Limits
//
// Sockets of other network namespaces are not seen. A dump of listeners costs 0.04 ms wherever it
// is made. A dump of connections walks a table that all namespaces of the node share: 1 ms on a
// quiet node, 11 ms where there are 36,000. The /proc files have no backlog, no [Info], and do not
// show whether an IPv6 listener accepts IPv4. They are read a page at a time, so that a socket may
// be missed, or be seen twice, while others come and go.
//
// The kernel drops ends that do not fit into the receive buffer, and reports only that it did. When
// the app resets a connection, only the client's address is known at its end.
package sockdiag
