// Package node has an ordinary app written for Node, which does not handle SIGTERM.
package node

import _ "embed"

// Server is the source of the program. Its arguments are the host and the port to serve on.
//
//go:embed server.js
var Server string
