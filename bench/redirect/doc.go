// Redirect measures what the rules of lameduck redirect cost: the CPU per request beside clients that
// connect to the relay's own port, and the entries in the kernel's table of connections.
//
//	go run ./bench/redirect                    # CPU, on kept and on new connections, in turns
//	go run ./bench/redirect -conntrack         # entries at 2,000 new connections a second for three minutes
//
// It requires root, two cores, ip, nft, nginx and wrk. Each way has a network namespace of its own,
// with the app (nginx) and Lameduck in it and clients outside, over a veth pair:
//
//	move      clients connect to the relay's port; there are no rules and no table of connections
//	redirect  clients connect to the app's port; the rules are those of lameduck redirect
//	plain     the same without its rules for the table of connections (only with -conntrack)
//
// CPU is that of Lameduck's process, and that of the whole machine, with the clients and the app. So
// run it on a quiet machine. The rules run in the
// kernel on behalf of whatever sends, so only the whole machine shows all of their cost. Ways are
// measured in turns, and each figure is the median of the rounds with the lowest and the highest.
package main
