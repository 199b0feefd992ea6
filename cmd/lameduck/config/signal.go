package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// stopSignals are the signals of Linux that can begin a drain, besides the real-time ones. Left out
// are those that no process can catch, and those that the kernel or Go's runtime sends to us for
// reasons of their own, such as SIGCHLD, SIGURG and SIGPROF.
var stopSignals = []string{
	"SIGHUP", "SIGINT", "SIGQUIT", "SIGABRT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGTERM", "SIGSTKFLT",
	"SIGCONT", "SIGTSTP", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGWINCH", "SIGIO", "SIGPWR",
}

// The real-time signals that can begin a drain. The C library keeps 32 and 33 for itself, and calls
// 34 SIGRTMIN. Go leaves 34 to the C library too.
const (
	sigrtmin      = 34
	firstRealTime = 35
	lastRealTime  = 64 // SIGRTMAX
)

// linuxSignals are the names of the signals of Linux by number, without SIG. This package is also
// used on other systems.
var linuxSignals = strings.Fields("0 HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM " +
	"TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS")

// otherNames are the second names of signals.
var otherNames = map[string]string{"SIGIOT": "SIGABRT", "SIGPOLL": "SIGIO"}

// StopSignals returns the names of the signals that LAMEDUCK_STOP_SIGNAL takes.
func StopSignals() []string {
	names := slices.Clone(stopSignals)
	for number := firstRealTime; number <= lastRealTime; number++ {
		names = append(names, signalName(number))
	}
	return names
}

// ParseStopSignal returns the name of a stop signal as [StopSignals] has it, from one of the forms
// that images and manifests have: SIGQUIT, QUIT, 3 or SIGRTMIN+3. It reports false for a signal that
// cannot begin a drain.
func ParseStopSignal(text string) (name string, ok bool) {
	name = "SIG" + strings.TrimPrefix(strings.ToUpper(text), "SIG")
	if number, err := strconv.Atoi(text); err == nil {
		name = signalName(number)
	} else if number := RealTimeSignal(name); number != 0 {
		name = signalName(number)
	} else if other, ok := otherNames[name]; ok {
		name = other
	}
	return name, slices.Contains(StopSignals(), name)
}

// signalName returns the name of a signal, or an empty string if there is none.
func signalName(number int) string {
	switch {
	case number >= firstRealTime && number <= lastRealTime:
		return fmt.Sprintf("SIGRTMIN+%d", number-sigrtmin)
	case number > 0 && number < len(linuxSignals):
		return "SIG" + linuxSignals[number]
	}
	return ""
}

// RealTimeSignal returns the number of SIGRTMIN+3 or SIGRTMAX-3. It returns 0 if the name is not that
// of a real-time signal that can begin a drain.
func RealTimeSignal(name string) int {
	number, offset := sigrtmin, ""
	if after, ok := strings.CutPrefix(name, "SIGRTMIN"); ok {
		offset = after
	} else if after, ok := strings.CutPrefix(name, "SIGRTMAX"); ok {
		number, offset = lastRealTime, after
	}
	if offset != "" && !strings.ContainsAny(offset[:1], "+-") {
		return 0
	}
	n, err := strconv.Atoi(cmp.Or(offset, "0"))
	if number += n; err != nil || number < firstRealTime || number > lastRealTime {
		return 0
	}
	return number
}

func setStopSignal(c *Config, value string) error {
	name, ok := ParseStopSignal(value)
	if !ok {
		return mustBe("a signal that can be caught (for example SIGTERM, QUIT, 3 or SIGRTMIN+3)", value)
	}
	c.StopSignal = name
	return nil
}
