package waitroom

import "net"

// readToEnd discards what a client sends until its connection ends, and then calls left.
func readToEnd(conn net.Conn, token uint64, left func(token uint64)) {
	b := make([]byte, 64)
	for {
		if _, err := conn.Read(b); err != nil {
			left(token)
			return
		}
	}
}
