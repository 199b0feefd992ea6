package main

import (
	"fmt"
	"io"

	"lameduck/cmd/lameduck/config"
)

const usage = `lameduck keeps an app and its connections alive through a termination, until load balancers have stopped routing to it.

  lameduck [serve]                    relay to an app that runs beside it
  lameduck exec -- COMMAND [ARG...]   run the app as a child process, as PID 1 or not
  lameduck drain [--wait] [--native]  begin the drain of the lameduck on this host, and wait for its end; native: it is a native
                                      sidecar, and SIGTERM comes when its app has exited or the pod's grace period is over
  lameduck install PATH               copy the program to a path, for a container that has no other way
  lameduck version

Environment variables:
`

// printUsage writes the subcommands and the variables.
func printUsage(w io.Writer) error {
	if _, err := fmt.Fprint(w, usage); err != nil {
		return err
	}
	return config.WriteUsage(w)
}
