package trial

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"lameduck/bench/rollout"
)

// terminationLogs maps the address of each pod to the file of its termination message.
type terminationLogs map[string]string

// read returns the termination messages of the given pods. A pod that wrote none has "".
func (l terminationLogs) read(pods []rollout.Replaced) (map[string]string, error) {
	messages := make(map[string]string)
	for _, p := range pods {
		message, err := os.ReadFile(l[p.Addr])
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read the termination message of pod %s: %w", p.Addr, err)
		}
		messages[p.Addr] = strings.TrimSpace(string(message))
	}
	return messages, nil
}
