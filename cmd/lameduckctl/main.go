package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Exit codes: 1 means that problems were found, 2 that the command could not run.
const (
	exitOK       = 0
	exitProblems = 1
	exitError    = 2
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
	root := newRootCommand(filepath.Base(os.Args[0]))
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return report(stderr, root.ExecuteContext(ctx))
}

// newRootCommand returns the command of the program, which is also a plugin of kubectl if its name is
// kubectl-lameduck.
func newRootCommand(name string) *cobra.Command {
	root := &cobra.Command{
		Use:           "lameduckctl",
		Short:         "Add Lameduck to workloads, check manifests and measure rollouts",
		Version:       buildVersion(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	if strings.HasPrefix(name, "kubectl-lameduck") { // on Windows it ends with .exe
		root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl lameduck"}
	}
	root.SetVersionTemplate("lameduckctl {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(newEnableCommand(), newDisableCommand(), newStatusCommand(),
		newInjectCommand(), newLintCommand(), newExplainCommand(), newMeasureCommand(), newDrainsCommand(),
		newWebhookCommand())
	return root
}

// flagError names the flag and the valid values. It does not quote the value, as --env may have a
// secret.
func flagError(_ *cobra.Command, err error) error {
	if invalid := (*pflag.InvalidValueError)(nil); errors.As(err, &invalid) {
		return fmt.Errorf("--%s: %w", invalid.GetFlag().Name, errors.Unwrap(err))
	}
	return err
}

// report prints err and returns its exit code. An error with an empty message has been printed
// already.
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

// A problemsError ends a command that has found problems and has printed them.
type problemsError struct{}

func (problemsError) Error() string { return "" }
func (problemsError) ExitCode() int { return exitProblems }

func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if ok && version == "devel" && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return version
}
