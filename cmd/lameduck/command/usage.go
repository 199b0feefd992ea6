package command

import (
	"fmt"
	"io"

	"lameduck/cmd/lameduck/config"
)

const usage = `lameduck keeps an app and its connections alive during termination, until load balancers have
stopped routing to it. It is configured by the environment variables below.

  lameduck [serve]                    relay to an app that runs beside it
  lameduck exec -- COMMAND [ARG...]   run the app as a child process, as PID 1 or not
  lameduck drain [--wait] [--native]  begin the drain of the lameduck on this host
                                      --wait: return at the end of the hold
                                      --native: it is a native sidecar, so SIGTERM means that the
                                      app has exited or the pod's grace period is over
  lameduck redirect APP=RELAY...      redirect the app's ports to the relay, with netfilter rules in the
                                      pod's network namespace (needs NET_ADMIN; once, before serve)
                                      --direct PORT=APP: redirect PORT around the relay, for probes
                                      --behind-mesh UID: the mesh's proxy, with this user id, comes first
  lameduck install PATH               copy the program to a path, for a container without cp
  lameduck version                    print the version

Exit codes: 0 success; 1 failure; 2 invalid arguments or configuration. exec returns that of the app.

Environment variables:
`

// printUsage writes the subcommands and the variables.
func printUsage(w io.Writer) error {
	if _, err := fmt.Fprint(w, usage); err != nil {
		return err
	}
	return config.WriteUsage(w)
}
