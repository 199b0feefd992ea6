package trial

import (
	"fmt"

	"lameduck/bench/internal/program"
)

// debian returns the path of a program, or else what has to be installed.
func debian(name, pkg string) (path, missing string) {
	path, err := program.Find(name)
	if err != nil {
		return "", fmt.Sprintf("%s (apt-get install %s)", name, pkg)
	}
	return path, ""
}
