// Command lameduck stands in front of an app that cannot be changed, and keeps both serving through a termination until
// the load balancers have really let go.
//
//	lameduck [serve]               relay to an app that runs beside us
//	lameduck exec -- COMMAND ...   run the app as our child, as PID 1 or not
//	lameduck drain [--wait]        begin the drain of the lameduck on this host: a preStop hook
//	lameduck install PATH          copy the program to a path
//	lameduck version
//
// It is configured by environment variables alone; lameduck --help lists them.
package main
