//go:build !linux

package observe

// kernelRelease returns the release of the kernel.
func kernelRelease() string { return "unknown" }
