package trial

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"lameduck/bench/rollout"
)

// stories says for the address of each pod which file its termination message goes to.
type stories map[string]string

// of returns the termination messages of the given pods. It is empty for a pod that wrote none.
func (s stories) of(pods []rollout.Replaced) (map[string]string, error) {
	told := make(map[string]string)
	for _, p := range pods {
		message, err := os.ReadFile(s[p.Addr])
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read the termination message of pod %s: %w", p.Addr, err)
		}
		told[p.Addr] = strings.TrimSpace(string(message))
	}
	return told, nil
}
