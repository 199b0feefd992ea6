// Package command is the program lameduck: its subcommands, and the code that connects the relay
// and the lifecycle. It is outside package main so that the test binary of the integration tests
// can run it.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"time"

	"lameduck/cmd/lameduck/logqueue"
	"lameduck/lifecycle/takeover"
)

// The exit codes of the program itself. Otherwise exec returns the child's.
const (
	exitOK       = 0
	exitFailure  = 1
	exitUsage    = 2
	exitNotFound = 127
)

// flushTimeout is how long the program waits at the end for the readers of its output.
const flushTimeout = 500 * time.Millisecond

// version is the program's version, as passed to Main.
var version = "devel"

// Main runs the program with the arguments, the environment and the output of the process, and
// returns the exit code.
func Main(programVersion string) int {
	if takeover.IsLauncher(os.Args) {
		return takeover.Launch(os.Args)
	}
	version = programVersion
	stdout, stderr := logqueue.New(os.Stdout), logqueue.New(os.Stderr)
	code := run(os.Args[1:], os.Environ(), stdout, stderr)
	_ = stdout.Flush(flushTimeout)
	_ = stderr.Flush(flushTimeout)
	return code
}

// run executes one subcommand and returns the exit code.
func run(args, environ []string, stdout, stderr *logqueue.Queue) int {
	command, rest := "serve", args
	if len(args) > 0 {
		command, rest = args[0], args[1:]
	}
	if command == "help" || isHelp(command) ||
		len(rest) > 0 && isHelp(rest[0]) && slices.Contains(subcommands, command) {
		return report(stderr, printUsage(stdout))
	}
	switch command {
	case "serve":
		return report(stderr, withoutArguments(rest, func() error { return serve(environ, stderr) }))
	case "exec":
		return runChild(rest, environ, stderr)
	case "drain":
		return report(stderr, drain(rest, environ, stdout))
	case "install":
		return report(stderr, install(rest))
	case "redirect":
		return report(stderr, makeRedirect(rest, environ, stdout))
	case "version", "-version", "--version":
		return report(stderr, withoutArguments(rest, func() error { return printVersion(stdout) }))
	}
	return report(stderr, usageError(fmt.Sprintf(
		"unknown subcommand %q: use serve, exec, drain, redirect, install or version", command)))
}

// subcommands have no help of their own: the usage describes all of them.
var subcommands = []string{"serve", "exec", "drain", "redirect", "install", "version"}

func isHelp(argument string) bool {
	return argument == "-h" || argument == "-help" || argument == "--help"
}

// A usageError is an error in the command line or in the configuration.
type usageError string

func (e usageError) Error() string { return string(e) }

func withoutArguments(args []string, f func() error) error {
	if len(args) > 0 {
		return usageError(fmt.Sprintf("unexpected argument %q", args[0]))
	}
	return f()
}

// report prints err and returns its exit code.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "lameduck: %v\n", err)
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailure
}

func printVersion(w io.Writer) error {
	v := version
	if info, ok := debug.ReadBuildInfo(); ok && v == "devel" {
		if built := info.Main.Version; built != "" && built != "(devel)" {
			v = built
		}
	}
	_, err := fmt.Fprintf(w, "lameduck %s\n", v)
	return err
}

// untilSignal returns a context that an interrupt cancels.
func untilSignal() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt)
}
