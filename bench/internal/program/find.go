package program

import "os/exec"

// Find returns the path of a program in PATH or in /usr/sbin. Debian has servers there, which is
// not in the PATH of ordinary users.
func Find(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	if path, err := exec.LookPath("/usr/sbin/" + name); err == nil {
		return path, nil
	}
	return "", err
}
