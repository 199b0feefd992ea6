// Package command has what the commands of the bench have in common.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// A usageError is an error in flags or arguments, which has been printed already.
type usageError struct{ error }

// Main runs a command until it returns or is interrupted, and exits. The exit code is 2 for errors
// of [Parse] and 1 for other errors, which it prints.
func Main(name string, run func(ctx context.Context, args []string, stdout, stderr io.Writer) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(exitCode(name, err, os.Stderr))
}

func exitCode(name string, err error, stderr io.Writer) int {
	var usage usageError
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &usage):
		return 2
	}
	fmt.Fprintf(stderr, "%s: %v\n", name, err)
	return 1
}

// Parse parses the flags of a command that has no other arguments, and then checks them. It prints
// errors to the output of f.
func Parse(f *flag.FlagSet, args []string, check func() error) error {
	return ParseArgs(f, args, func(rest []string) error {
		var err error
		if len(rest) > 0 {
			err = fmt.Errorf("unexpected argument %q: there are only flags", rest[0])
		}
		return errors.Join(err, check())
	})
}

// ParseArgs parses the flags of a command, and then checks them with the other arguments. It prints
// errors to the output of f.
func ParseArgs(f *flag.FlagSet, args []string, check func(rest []string) error) error {
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	if err == nil {
		if err = check(f.Args()); err == nil {
			return nil
		}
		fmt.Fprintln(f.Output(), err)
	}
	return usageError{err}
}
