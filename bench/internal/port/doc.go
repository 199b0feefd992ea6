// Package port finds free TCP ports on 127.0.0.1 for processes that cannot choose a port
// themselves.
//
// Limits: another program may take a port before the process binds it. Ports are below the range
// that Linux uses for outgoing connections, so that no busy client takes one.
package port
