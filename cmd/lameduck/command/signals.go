package command

import (
	"os"
	"os/signal"
	"syscall"

	"lameduck/lifecycle"
)

// stopSignals are the signals that begin the drain of serve: SIGTERM, and every other one that somebody
// sends to end a process and that would end this one without a drain. SIGQUIT, SIGUSR1 and SIGPWR are the
// stop signals of some images and container managers. SIGHUP comes when a terminal is closed; there is no
// configuration to reload. What is left are faults of the program, and SIGABRT, with which Go prints what
// every goroutine does.
var stopSignals = append([]os.Signal{
	syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM,
}, systemStopSignals...)

// notifyServe returns the channel of the signals of serve. A SIGHUP that is ignored, as nohup has it,
// stays ignored.
func notifyServe() chan os.Signal {
	signals := make(chan os.Signal, 8)
	for _, s := range stopSignals {
		if s != syscall.SIGHUP || !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	signal.Notify(signals, os.Interrupt)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // a log that nobody reads any more must not end us
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
