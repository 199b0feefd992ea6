package command

import (
	"os"
	"os/signal"
	"syscall"

	"lameduck/lifecycle"
)

// stopSignals are the signals that begin the drain of serve: SIGTERM, and every other signal that
// is sent to end a process. SIGQUIT, SIGUSR1 and SIGPWR are the stop signals of some images and
// container managers. SIGHUP is sent when a terminal is closed; there is no configuration to
// reload. The remaining signals are faults of the program, and SIGABRT, on which Go prints all
// goroutines.
var stopSignals = append([]os.Signal{
	syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM,
}, systemStopSignals...)

// notifyServe returns the channel of the signals of serve. If SIGHUP is ignored, as with nohup, it
// stays ignored.
func notifyServe() chan os.Signal {
	signals := make(chan os.Signal, 8)
	for _, s := range stopSignals {
		if s != syscall.SIGHUP || !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	signal.Notify(signals, os.Interrupt)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // a closed log must not end the process
	return signals
}

// serveEvents returns the events of the signals that serve gets.
func serveEvents(in <-chan os.Signal) <-chan lifecycle.Event {
	out := make(chan lifecycle.Event, cap(in))
	go func() {
		for s := range in {
			if s == os.Interrupt {
				out <- lifecycle.Interrupt
			} else {
				out <- lifecycle.StopSignal
			}
		}
	}()
	return out
}
