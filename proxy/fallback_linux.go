package proxy

import (
	"io"

	"golang.org/x/sys/unix"
)

// timestampSize is what TCP timestamps take of every segment (RFC 7323 section 3.2, with padding), and timestamps the option in
// what the kernel tells of a connection (linux/tcp.h, TCPI_OPT_TIMESTAMPS).
const (
	timestampSize = 12
	timestamps    = 1
)

func setSegment(fd uintptr, m segment) error {
	return unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, int(m))
}

// segmentOf returns the maximum segment size that the other side of a connection has announced, but no more than our own: the
// kernel sends segments of that size, less what options take of each. 0: it cannot be told.
func segmentOf(fd uintptr) segment {
	info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0
	}
	if info.Options&timestamps != 0 {
		info.Snd_mss += timestampSize
	}
	return segment(info.Snd_mss)
}

// peekByte returns nil if there is a byte to be read, io.EOF if there will be none, and otherwise why there is none yet.
func peekByte(fd uintptr) error {
	var b [1]byte
	n, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	if err == nil && n == 0 {
		return io.EOF
	}
	return err
}
