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
// CPU is that of Lameduck's process, that of it with the app and the clients, and that of the whole
// machine. The rules run in the kernel on behalf of whatever sends, so the second one has nearly all
// of their cost, and other work on the machine is not in it. The third one has all, on a machine that
// is otherwise idle. Ways are measured in turns, and each figure is the median of the rounds with the
// lowest and the highest.
package main
