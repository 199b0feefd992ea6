package command

import (
	"errors"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"

	"lameduck/cmd/lameduck/config"
	"lameduck/cmd/lameduck/logqueue"
	"lameduck/lifecycle"
	"lameduck/lifecycle/childproc"
	"lameduck/lifecycle/takeover"
)

// runChild runs the app as a child process and returns its exit code.
func runChild(args, environ []string, stderr *logqueue.Queue) int {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return report(stderr, usageError("exec needs a command: lameduck exec -- COMMAND [ARG...]"))
	}
	variables := config.ToMap(environ)
	memory := memoryLimits(true)
	memory.limitHeap(variables)
	signals := make(chan os.Signal, signalBacklog)
	notifyExec(signals, isSystemdService(variables))
	defer signal.Stop(signals)
	p, err := newProcess(environ, stderr, memory)
	if err != nil {
		return report(stderr, err)
	}
	stop, err := stopSignal(p.config)
	if err != nil {
		p.closeListeners()
		return report(stderr, err)
	}
	signal.Notify(signals, stop) // even if it was ignored
	childConfig, err := p.takeOver(stop)
	if err != nil {
		p.closeListeners()
		return report(stderr, err)
	}
	runtime.LockOSThread() // the child is stopped when this thread ends
	child, err := childproc.Start(args, childConfig)
	if err != nil {
		p.closeListeners()
		if refusal := (*takeover.RefusalError)(nil); errors.As(err, &refusal) {
			return report(stderr, refusal)
		}
		code := report(stderr, err)
		if start := (*childproc.StartError)(nil); errors.As(err, &start) {
			code = start.Code
		}
		return code
	}
	if err := p.run(child, forward(signals, child, stop)); err != nil {
		return report(stderr, err)
	}
	return child.ExitCode()
}

// signalBacklog is how many signals may wait to be forwarded.
const signalBacklog = 64

// notifyExec makes the channel receive the signals of exec. Those of this process itself are discarded: a
// child may have so many children that SIGCHLD would fill the channel and the stop signal be lost.
// SIGHUP and SIGINT stay ignored, for the child too, if they were ignored when this process was
// started, for example by nohup or by a script that runs it in the background. At a terminal, SIGTTOU
// is the terminal's objection to our own log. Elsewhere it is like any other, and a command of gunicorn.
// SIGPIPE is ignored in a service of systemd.
func notifyExec(signals chan<- os.Signal, service bool) {
	nowhere := make(chan os.Signal, 1)
	const lastSignal = 64 // of Linux; package signal leaves out those that do not exist
	for s := syscall.Signal(1); s <= lastSignal; s++ {
		switch {
		case s == syscall.SIGPIPE && service:
			signal.Ignore(s)
		case ours[s]:
			signal.Notify(nowhere, s)
		case signal.Ignored(s) || s == syscall.SIGTTOU && childproc.HasTerminal():
		default:
			signal.Notify(signals, s)
		}
	}
}

// isSystemdService reports whether this process is the main process of a service of systemd. By default
// such a process ignores SIGPIPE (IgnoreSIGPIPE=), which Go's runtime has undone before main.
func isSystemdService(variables map[string]string) bool {
	return variables["SYSTEMD_EXEC_PID"] == strconv.Itoa(os.Getpid())
}

// forward forwards every signal to the child, except the stop signal, which becomes an event. An
// interrupt is both forwarded and an event: two of them end a hold at once.
func forward(in <-chan os.Signal, child *childproc.Child, stop syscall.Signal) <-chan lifecycle.Event {
	out := make(chan lifecycle.Event, cap(in))
	go func() {
		for s := range in {
			if s == stop {
				out <- lifecycle.StopSignal
				continue
			}
			child.Signal(s.(syscall.Signal))
			if s == os.Interrupt {
				out <- lifecycle.Interrupt
			}
		}
	}()
	return out
}

// ours are the signals that are not forwarded: SIGCHLD, the preemption signal of Go's runtime, and
// faults of this process.
var ours = map[os.Signal]bool{
	syscall.SIGCHLD: true, syscall.SIGURG: true,
	syscall.SIGPIPE: true, syscall.SIGSEGV: true, syscall.SIGBUS: true, syscall.SIGFPE: true,
	syscall.SIGILL: true, syscall.SIGTRAP: true, syscall.SIGSYS: true,
}
