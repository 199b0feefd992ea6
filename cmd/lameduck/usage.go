package main

import (
	"fmt"
	"io"
	"reflect"
	"text/tabwriter"
)

const usage = `lameduck keeps an app and its connections alive through a termination, until the load balancers have let go.

  lameduck [serve]                    relay to an app that runs beside us
  lameduck exec -- COMMAND [ARG...]   run the app as our child, as PID 1 or not
  lameduck drain [--wait] [--native]  begin the drain of the lameduck on this host, and wait for its end; native: it is a native
                                      sidecar, and SIGTERM comes when its app has gone or the pod's grace period is over
  lameduck install PATH               copy the program to a path, for a container that has no other way
  lameduck version

Environment:
`

// printUsage writes the subcommands and the table of variables.
func printUsage(w io.Writer) {
	fmt.Fprint(w, usage)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for f := range reflect.TypeFor[variables]().Fields() {
		fmt.Fprintf(table, "  %s%s\t%s\t%s\n", prefix, f.Tag.Get("env"), defaultOf(f), f.Tag.Get("help"))
	}
	_ = table.Flush()
}

// defaultOf is the default of a variable as the tables show it.
func defaultOf(f reflect.StructField) string {
	if d := f.Tag.Get("envDefault"); d != "" {
		return d
	}
	return "none"
}
