//go:build !linux

package takeover

import (
	"io"
	"net"
	"strconv"
	"syscall"

	"go.uber.org/zap"
)

// A Takeover starts the app.
type Takeover struct {
	ports  []*Port
	others others
	log    *zap.Logger
}

// New returns the Takeover of some ports.
func New(ports []*Port, log *zap.Logger) *Takeover { return &Takeover{ports: ports, log: log} }

// Spawn returns a [RefusalError].
func (*Takeover) Spawn(string, []string, *syscall.ProcAttr) (pid int, err error) {
	return 0, &RefusalError{
		Reason: "it needs the seccomp of Linux",
		Remedy: "run on Linux",
	}
}

// Daemon returns 0.
func (*Takeover) Daemon([]int) (pid int, wait bool) { return 0, false }

// Hold listens on a TCP address.
func Hold(address string) (net.Listener, error) { return listen(address) }

func bindAll(port uint16) (io.Closer, error) { return listen(":" + strconv.Itoa(int(port))) }

// Close does nothing.
func (*Takeover) Close() {}

// IsLauncher reports false: there is no launcher.
func IsLauncher([]string) bool { return false }

// Launch is not called.
func Launch([]string) int { return 1 }
