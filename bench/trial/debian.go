package trial

import (
	"fmt"
	"os/exec"
)

// debian finds a program, or says which package has it. Debian keeps servers in /usr/sbin, which is not in the PATH of
// ordinary users.
func debian(program, pkg string) (path, missing string) {
	path, err := exec.LookPath(program)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + program)
	}
	if err != nil {
		return "", fmt.Sprintf("%s (apt-get install %s)", program, pkg)
	}
	return path, ""
}
