package sockdiag

import (
	"encoding/binary"
	"fmt"
	"syscall"
)

// The header of a netlink message, struct nlmsghdr, and the types of messages that every protocol
// has (linux/include/uapi/linux/netlink.h).
const (
	headerSize = 16

	typeError = 2
	typeDone  = 3

	byFamily = 20 // SOCK_DIAG_BY_FAMILY (linux/include/uapi/linux/sock_diag.h)
)

// anySequence stands for the messages that the kernel sends unasked.
const anySequence = 0

// eachMessage calls f for the body of each message in a datagram, and reports whether the answer
// ends with it. A message with another sequence number is malformed.
func eachMessage(b []byte, sequence uint32, f func(b []byte) error) (done bool, err error) {
	for len(b) >= headerSize {
		size := int64(binary.NativeEndian.Uint32(b))
		if size < headerSize || size > int64(len(b)) {
			return true, errMalformed
		}
		if binary.NativeEndian.Uint32(b[8:]) != sequence && sequence != anySequence {
			return true, errMalformed
		}
		body := b[headerSize:size]
		switch binary.NativeEndian.Uint16(b[4:]) {
		case typeDone:
			return true, resultOf(body)
		case typeError:
			return true, resultOf(body)
		case byFamily:
			if err := f(body); err != nil {
				return true, err
			}
		}
		b = b[min((size+3)&^3, int64(len(b))):]
	}
	return false, nil
}

// resultOf returns the error in the body of a message that ends an answer: zero, or the negative
// of an errno.
func resultOf(b []byte) error {
	if len(b) < 4 {
		return nil
	}
	if code := int32(binary.NativeEndian.Uint32(b)); code != 0 {
		return fmt.Errorf("netlink: %w", syscall.Errno(-code))
	}
	return nil
}

// parseEnds calls f for each connection in a datagram of the destroy groups. Sockets that listen
// or were never connected have no remote address.
func parseEnds(b []byte, f func(*Connection)) error {
	_, err := eachMessage(b, anySequence, func(b []byte) error {
		s, err := parseMessage(b)
		if err == nil && !s.remote.Addr().IsUnspecified() {
			c := s.connection()
			f(&c)
		}
		return err
	})
	return err
}
