// Package node is the app that nobody changed, written for Node.
package node

import _ "embed"

// Server is the program's text. Its arguments are the host and the port to serve on.
//
//go:embed server.js
var Server string
