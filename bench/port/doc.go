// Package port finds free TCP ports for programs that cannot choose one themselves.
//
// Processes that use this package at the same time, such as the tests of several packages, get
// different ports. Ports are below the range that Linux uses for outgoing connections, so that no
// busy client takes one.
//
// Limits: another program may take a port before the process binds it.
package port
