package observe

import "golang.org/x/sys/unix"

// kernelRelease returns the release of the kernel, such as 6.1.0.
func kernelRelease() string {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(name.Release[:])
}
