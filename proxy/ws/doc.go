// Package ws reads the headers of WebSocket frames (RFC 6455) and follows where messages begin and end. It neither
// unmasks nor inflates: what an extension makes of a payload does not matter to where the payload ends.
package ws
