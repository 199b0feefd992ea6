package config

import "slices"

// stopSignals are the signals of Linux that can begin a drain. Left out are those that no process
// can catch, and those that the kernel or Go's runtime sends to us for reasons of their own, such
// as SIGCHLD, SIGURG and SIGPROF.
var stopSignals = []string{
	"SIGHUP", "SIGINT", "SIGQUIT", "SIGABRT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGTERM", "SIGSTKFLT",
	"SIGCONT", "SIGTSTP", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGWINCH", "SIGIO", "SIGPWR",
}

// StopSignals returns the names of the signals that LAMEDUCK_STOP_SIGNAL takes.
func StopSignals() []string { return slices.Clone(stopSignals) }

func setStopSignal(c *Config, value string) error {
	if !slices.Contains(stopSignals, value) {
		return mustBe("the name of a signal that can be caught (for example SIGTERM, SIGQUIT or SIGWINCH)",
			value)
	}
	c.StopSignal = value
	return nil
}
