// Package observe watches ports of the app that Lameduck does not relay. It reads the pod's sockets
// from the kernel, so that a drain can hold for traffic that never passes through the process.
//
//	destroy groups ──(each end of a connection)──┐
//	                                             ├─> flows ─> traffic ─> silence.Tracker ─> Forecast
//	dumps ──(connections, accept queues)─────────┘      │
//	                                                    └─> probes: what the kubelet explains
//
// An event is a new connection, the end of a connection that has received data, or a change in its
// received bytes. Ends are reported by the kernel as they happen, so a connection that comes and
// goes between two dumps is seen. Dumps are made at the start, when a drain begins, before a hold
// ends, at least every two seconds in a drain, and otherwise so rarely that they take less than
// 0.125 % of a core. While serving, more than 250 ends a second are too costly to be received all
// the time: there are pauses (see pauses.go).
//
// A connection is busy while bytes are unread or unacknowledged, while it has received data and not
// sent any yet, and while it last received data after it last sent some. So an HTTP request is in
// flight until the response begins, and after that while any of it is under way.
//
// # Limits
//
//   - The kernel's times have steps of up to 10 ms: an app that sends something within the same step
//     and answers later looks idle. So do streams and WebSockets between two messages.
//   - A client that sends without being answered looks busy, as with syslog over TCP or a trailing
//     WINDOW_UPDATE of HTTP/2. The hold then lasts until Max.
//   - A connection that has received no data counts as a health check if it ends within two
//     seconds.
//   - Clients are not asked to disconnect. Kept connections that are open when the app stops fail once.
//   - Where netlink is refused, nothing is known of a connection but that it exists. They all
//     count as busy for the configured delay of the load balancer. Of short ones between two looks
//     only the number is known, from a counter of the namespace for all ports together.
//   - On a port with a relay, clients on the loopback interface look like the relay itself.
package observe
