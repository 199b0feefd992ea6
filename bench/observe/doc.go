// Observe measures what it costs Lameduck to observe ports that it does not relay: the CPU of the
// process, and how much more of the machine is busy with it than without, under the same load.
//
//	go run ./bench/observe                  # six minutes, as root, on a quiet machine
//	go run ./bench/observe -run 'open|ends' # some cases
//	go run ./bench/observe -guard           # fail if a target is missed
//
// For each case the load runs all the time. Rounds with Lameduck and without alternate, and the
// table has the medians. The machine is busy when its cores are not idle: other virtual machines on
// the same host add to it, so that the figure of the machine has an error of some tenths of a percent.
//
// In a cluster the clients of a pod are on other machines. Here they end their sides of connections
// and keep the sockets while something is measured, because the kernel reports the end of each socket
// that it has. In one case the connections are those of another network namespace, as of other pods
// on the node: while any process listens, the kernel prepares reports for all of them.
//
// The last cases end connections at 20,000 a second and as fast as the machine can. Each end must be
// counted, or the loss must be: the kernel drops what a reader is too slow for.
//
// The programs that make the load are this one, called with the name of a role as its first argument.
package main
