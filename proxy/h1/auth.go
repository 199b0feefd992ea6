package h1

import "bytes"

// NTLM and Negotiate authenticate a connection, not a request (RFC 4559 section 5). Their handshake
// takes several requests, and the challenges within it carry a token.

// isHandshake reports whether the value of a WWW-Authenticate or Proxy-Authenticate field is a
// challenge within such a handshake.
func isHandshake(value []byte) bool {
	scheme, token, _ := bytes.Cut(trim(value), []byte{' '})
	return len(trim(token)) > 0 && (equalFold(scheme, "ntlm") || equalFold(scheme, "negotiate"))
}
