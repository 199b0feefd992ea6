// Redirect measures what the rules of lameduck redirect cost: the CPU per request, compared with
// clients that connect to the relay's own port, and the entries in the kernel's connection tracking
// table (conntrack).
//
//	go run ./bench/redirect                    # CPU, on keep-alive and on new connections
//	go run ./bench/redirect -conntrack         # entries at 2,000 new connections a second for three minutes
//
// It requires root, two cores, ip, nft, nginx and wrk. Each variant has a network namespace of its
// own, with the app (nginx) and Lameduck inside and clients outside, connected by a veth pair:
//
//	move      clients connect to the relay's port; there are no rules and no conntrack entries
//	redirect  clients connect to the app's port; the rules are those of lameduck redirect
//	plain     the same without its rules for conntrack (only with -conntrack)
//
// There are three CPU figures: Lameduck's process, Lameduck with the app and the clients, and the
// whole machine. The rules run in the kernel on behalf of the sender, so the second figure has
// nearly all of their cost, without other work on the machine. The third has all of it, on a
// machine that is otherwise idle. The variants alternate, and each figure is the median of the
// rounds, with the lowest and the highest.
package main
