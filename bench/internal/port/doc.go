// Package port hands out free TCP ports on 127.0.0.1 for processes that must be told theirs beforehand.
//
// Limits: a port is free when it is handed out; another program may take it before the process binds it. Ports
// come from below the range that Linux uses for outgoing connections, so that at least no busy client takes one.
package port
