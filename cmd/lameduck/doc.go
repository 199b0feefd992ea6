// Command lameduck is a proxy in front of an app that cannot be changed. During termination it
// keeps the app alive and serves its clients, until load balancers have stopped routing to it.
//
//	lameduck [serve]                    relay to an app that runs beside it
//	lameduck exec -- COMMAND [ARG...]   run the app as a child process, as PID 1 or not
//	lameduck drain [--wait] [--native]  begin the drain of the lameduck on this host: a preStop hook
//	lameduck redirect APP=RELAY...      redirect the app's ports to the relay, with netfilter rules
//	lameduck install PATH               copy the program to a path
//	lameduck version
//
// It is configured by environment variables alone. lameduck --help lists them.
package main
