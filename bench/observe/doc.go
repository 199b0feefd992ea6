// Observe measures the cost of observing ports that Lameduck does not relay: the CPU of the
// process, and how much busier the kernel's threads and the machine are than without it, under the
// same load.
//
//	go run ./bench/observe                  # six minutes, as root, on a quiet machine
//	go run ./bench/observe -run 'open|ends' # some cases
//	go run ./bench/observe -guard           # fail if a target is missed
//
// For each case the load runs all the time. Rounds with Lameduck and without alternate, and the
// table has the medians. The kernel works for Lameduck in threads of its own, and their CPU time is
// measured too. The machine is busy when its cores are not idle: its figure is the difference of two
// values that are fifty times as large, so it has an error of some percent.
//
// In a cluster the clients of a pod are on other machines. Here they end their sides of connections
// and keep the sockets while something is measured, because the kernel reports the end of each socket
// that it has. In one case the connections are those of another network namespace, as of other pods
// on the node: while any process listens, the kernel prepares reports for all of them.
//
// The last cases close connections at 20,000 a second and as fast as the machine can. Each must be
// counted, or its loss noticed: the kernel drops reports if the reader is too slow.
//
// This program also generates the load: it starts itself with the name of a role as the first
// argument.
package main
