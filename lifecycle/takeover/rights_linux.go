package takeover

import (
	"encoding/binary"
	"os"

	"golang.org/x/sys/unix"
)

// lostRights describes the rights that an executable grants and no_new_privs would remove. It
// returns an empty string if there are none.
func lostRights(path string) string {
	if set, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err == nil && set == 1 {
		return "" // it is taken away already
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err == nil && fs.Flags&unix.ST_NOSUID != 0 {
		return ""
	}
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return ""
	}
	switch {
	case isScript(path):
		return "" // the kernel ignores the rights of scripts
	case st.Mode&unix.S_ISUID != 0 && int(st.Uid) != os.Geteuid():
		return "the set-user-ID bit"
	case st.Mode&(unix.S_ISGID|unix.S_IXGRP) == unix.S_ISGID|unix.S_IXGRP && int(st.Gid) != os.Getegid():
		return "the set-group-ID bit"
	}
	var attribute [24]byte
	n, err := unix.Getxattr(path, "security.capability", attribute[:])
	if err != nil {
		return ""
	}
	if fileCapabilities(attribute[:n])&^ownCapabilities() != 0 {
		return "file capabilities"
	}
	return ""
}

func isScript(path string) bool { return interpreter(path) != "" }

// fileCapabilities returns the permitted set of the attribute security.capability, struct
// vfs_cap_data.
func fileCapabilities(attribute []byte) (permitted uint64) {
	const revision1, words2 = 0x01000000, 20
	if len(attribute) < 8 {
		return 0
	}
	permitted = uint64(binary.LittleEndian.Uint32(attribute[4:]))
	if binary.LittleEndian.Uint32(attribute)&0xff000000 != revision1 && len(attribute) >= words2 {
		permitted |= uint64(binary.LittleEndian.Uint32(attribute[12:])) << 32
	}
	return permitted
}

// ownCapabilities returns the permitted set of this process.
func ownCapabilities() uint64 {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) != nil {
		return 0
	}
	return uint64(data[0].Permitted) | uint64(data[1].Permitted)<<32
}
