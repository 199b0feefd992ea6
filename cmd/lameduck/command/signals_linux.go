package command

import (
	"os"
	"syscall"
)

// systemStopSignals are the stop signals of Linux alone. SIGRTMIN+3 is that of systemd in a
// container, SIGPWR that of LXC.
var systemStopSignals = []os.Signal{syscall.SIGPWR, syscall.Signal(sigrtmin + 3)}

// sigrtmin is SIGRTMIN as C programs count: the C library keeps the first two for itself.
const sigrtmin = 34
