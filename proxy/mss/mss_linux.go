package mss

import "golang.org/x/sys/unix"

const (
	timestampSize = 12 // of the TCP timestamps option in each segment, with padding (RFC 7323 section 3.2)
	timestamps    = 1  // TCPI_OPT_TIMESTAMPS in linux/tcp.h
)

func set(fd uintptr, m Mark) error {
	return unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, int(m))
}

// peer returns the MSS that the peer announced, capped by our own, or 0 if it is unknown. The
// kernel reports the payload of a segment, from which options are already subtracted.
func peer(fd uintptr) Mark {
	info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0
	}
	if info.Options&timestamps != 0 {
		info.Snd_mss += timestampSize
	}
	return Mark(info.Snd_mss)
}
