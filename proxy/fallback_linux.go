package proxy

import "golang.org/x/sys/unix"

// timestampSize is what TCP timestamps take of every segment (RFC 7323 section 3.2, with padding), and timestamps the option in
// what the kernel tells of a connection (linux/tcp.h, TCPI_OPT_TIMESTAMPS).
const (
	timestampSize = 12
	timestamps    = 1
)

func markFallback(fd uintptr) error {
	return unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, fallbackSegment)
}

// isFallback tells whether the other side of the connection has announced fallbackSegment: the kernel sends segments of
// that size, less what options take of each.
func isFallback(fd uintptr) bool {
	info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return false
	}
	segment := info.Snd_mss
	if info.Options&timestamps != 0 {
		segment += timestampSize
	}
	return segment == fallbackSegment
}
