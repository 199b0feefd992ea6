// Package ws reads the headers of WebSocket frames (RFC 6455) and finds where messages begin and
// end. It neither unmasks nor inflates, because extensions do not change where a payload ends.
package ws
