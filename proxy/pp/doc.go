// Package pp measures the header of the PROXY protocol, versions 1 and 2 (haproxy.org,
// proxy-protocol.txt). With it a load balancer announces the client's address at the start of a
// connection. The header is for the app; a relay only needs to know where it ends.
package pp
