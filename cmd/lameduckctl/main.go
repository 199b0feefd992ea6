package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The exit codes. What a command found fault with is another thing than not having been able to look.
const (
	exitOK     = 0
	exitFaults = 1
	exitError  = 2
)

// version is set by the linker in releases.
var version = "devel"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run executes one command and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return report(stderr, root.ExecuteContext(ctx))
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:               "lameduckctl",
		Short:             "Bring Lameduck into workloads, and say before a rollout what would go wrong",
		Version:           buildVersion(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetVersionTemplate("lameduckctl {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(newInjectCommand(), newLintCommand(), newExplainCommand(), newWebhookCommand())
	return root
}

// flagError names the flag and what it takes. The value is not quoted: --env may have a secret in it.
func flagError(_ *cobra.Command, err error) error {
	if invalid := (*pflag.InvalidValueError)(nil); errors.As(err, &invalid) {
		return fmt.Errorf("--%s: %w", invalid.GetFlag().Name, errors.Unwrap(err))
	}
	return err
}

// report tells err and returns the exit code for it: its own, if it has one. An error without words has been told already.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	if text := err.Error(); text != "" {
		fmt.Fprintf(stderr, "lameduckctl: %s\n", text)
	}
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return exitError
}

// A faultsError ends a command that has done what it could and has told what it could not.
type faultsError struct{}

func (faultsError) Error() string { return "" }
func (faultsError) ExitCode() int { return exitFaults }

func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && version == "devel" && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return version
}
