// Overhead measures what it costs to have a proxy in front of an app: Lameduck
// beside its peers, taking turns within one run on one machine.
//
//	go run ./bench/overhead                                  # all of it, under five minutes
//	go run ./bench/overhead -guard                           # and fail if a target is missed
//	go run ./bench/overhead -cases keepalive -peers nginx,lameduck -rounds 9
//	go run ./bench/overhead -lameduck ./lameduck -json out.json
//
// It needs Debian's nginx-light, haproxy and wrk, and two cores. The table goes
// to stdout as Markdown, progress with the time left to stderr.
//
//	 all other cores          the proxy's core          all other cores
//	┌───────────────┐        ┌────────────────┐        ┌────────────────┐
//	│ wrk           │ ─────> │ the peer       │ ─────> │ app (nginx)    │
//	└───────────────┘        └────────────────┘        └────────────────┘
//	                          direct: not there
//
// # How each number is made
//
// Every peer is started once, bound to the proxy's core before exec, and stays
// for the whole run; those that wait their turn use no CPU. Each round measures
// every case of every peer, in another order each time; what is compared is
// measured within seconds. A warm-up round is thrown away. The table shows the
// median of the rounds with the lowest and the highest value, and the median of
// the ratios that lameduck had to the peer round by round.
//
// CPU per request is the CPU time of the peer's threads while wrk runs, divided
// by the answers that wrk counted. The time is read before and after from the
// first field of /proc/PID/task/TID/schedstat, in nanoseconds, summed over the
// threads of all processes of the peer's process group. The same from
// /proc/PID/stat, in ticks of 10 ms but with threads that have ended, is in the
// JSON file as cpu_whole; a note is printed where the two disagree.
//
//   - keepalive: 64-byte answers, 32 connections, heads as short as wrk makes
//     them (about 50 bytes).
//   - large: files of 1 MiB, 32 connections.
//   - newconn: 64-byte answers to requests with "Connection: close", 32 at a time.
//   - heads: like keepalive, with request heads of 1,024 bytes: a browser's field
//     lines and a cookie.
//
// Requests per second is what wrk got. It is the proxy's limit only where the
// row "proxy's core in use" is near 100 %: with two cores, the load and the app
// share one, and are the slower side of a fast proxy.
//
// Idle memory comes from another instance of the peer, in the first round and
// every fifth one after it. Resident at start is Rss in /proc/PID/smaps_rollup
// half a second after the peer says that it is ready. Then 3,000 clients
// connect and make one request each, then three times more, 16 at a time, with
// 0.25 s of silence before each pass; 1.5 s after the last one Rss is read again.
// The growth, divided by 3,000, is the memory per connection. So it holds what
// connections leave behind after use, and the heap that a garbage collector
// has grown to meanwhile, not the state just after accepting. The collector
// is not forced: Go would do it at the latest after two minutes of silence.
//
// The stripped binary is the size of the program's file less its symbol table
// and sections for debuggers.
//
// The peers' configurations are in peers/, as their documentation advises; the
// app is nginx, with a file cache and sendfile.
//
// With -guard every target of the chosen cases is judged, in a sentence each; a
// ratio is judged by the median of the rounds' ratios. A target for which a
// peer was not measured is missed.
//
// # What the numbers do not say
//
//   - Kernel time in interrupts goes to whoever runs on the core. On the loopback
//     device the sender's system call also runs the receiver's TCP, so the peer
//     pays for what wrk and the app receive from it, and they for what it
//     receives: not so with a network card.
//   - A proxy that is not saturated wakes up more often, with less to do each
//     time, and so needs more CPU per request than one that is.
//   - Time stolen by a hypervisor and a busy neighbour's cache misses are in the
//     CPU times; hence rounds, ratios, and the line on how much of the proxy's
//     core others had. Two runs are comparable by their ratios only.
//   - HAProxy and nginx share connections to the app among clients; Lameduck and
//     haproxy-tcp open one for each. In newconn nginx therefore opens one
//     connection per request where the two open two. (HAProxy in http mode
//     shares only what it deems safe, which the first request on a connection
//     is not.)
//   - Memory that the kernel keeps for sockets is in no figure: a connection of
//     a client and one to the app are two sockets.
//   - Rss of nginx counts pages that its two processes share twice; start_pss in
//     the JSON file shares them out, among all processes of the machine. nginx
//     and HAProxy set tables aside at start for as many connections as they are
//     configured for, here those of the idle case.
//   - nginx and HAProxy use shared libraries, which the binary's size leaves out.
//   - There is no TLS, no HTTP/2, and no delay between the parties.
package main
