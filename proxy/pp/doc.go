// Package pp measures the header of the PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt), with which a load
// balancer says at the start of a connection whose it is. What it says is for the app; who relays it needs to know only where it
// ends.
package pp
