// Overhead measures what it costs to have a proxy in front of an app: Lameduck
// beside its peers, taking turns within one run on one machine.
//
//	go run ./bench/overhead                                  # all of it, at most 25 minutes
//	go run ./bench/overhead -quick                           # two minutes
//	go run ./bench/overhead -quick -guard                    # and fail if a target is missed
//	go run ./bench/overhead -cases keepalive -peers nginx,lameduck -rounds 9
//	go run ./bench/overhead -lameduck ./lameduck -json out.json
//
// It needs two cores, wrk and nginx-light, which is the app as well; the peers
// need haproxy and caddy, HTTP/2 nghttp2-client for the load and, for gRPC,
// nghttp2-server for the app. All of these are Debian packages. Traefik and
// queue-proxy are built once, from the Go module proxy, which takes minutes. A
// peer or a case that cannot run here is left out, which the report says, unless
// -peers or -cases names it. The table goes to stdout as Markdown, progress with
// the time left to stderr.
//
//	 all other cores          the proxy's core          all other cores
//	┌───────────────┐        ┌────────────────┐        ┌────────────────┐
//	│ the load      │ ─────> │ the peer       │ ─────> │ the app        │
//	└───────────────┘        └────────────────┘        └────────────────┘
//	                          direct: not there
//
//	case                     load           app
//	latency, latency500      ./pacer        nginx
//	h2c, h2c-single          h2load         nginx
//	grpc, grpc-single        h2load         nghttpd
//	grpc-go                  ./caller       nghttpd
//	tcp-…, ws…               ./tunnel       ./tunnel
//	all others               wrk            nginx
//
// # How each number is made
//
// Every peer is started once, bound to the proxy's core before exec, and stays
// for all the load; those that wait their turn use no CPU. Each round measures
// every case of every peer, in another order each time; what is compared is
// measured within seconds. A warm-up round is thrown away. The table shows the
// median of the rounds with the lowest and the highest value, and the median of
// the ratios that lameduck had to the peer round by round.
//
// CPU per request is the CPU time of the peer's threads while there is load,
// divided by the answers. The time is read before and after from the first
// field of /proc/PID/task/TID/schedstat, in nanoseconds, summed over the
// threads of all processes of the peer's process group. The same from
// /proc/PID/stat, in ticks of 10 ms but with threads that have ended, is in the
// JSON file as cpu_whole; a note is printed where the two disagree.
//
// wrk sends these as fast as they are answered:
//
//   - keepalive: 64-byte answers, 32 connections, heads as short as wrk makes
//     them (about 50 bytes).
//   - large: files of 1 MiB, 32 connections, and
//   - huge: files of 64 MiB, 4 connections: answers are reckoned from the bytes
//     that came, since the end of the load cuts many.
//   - newconn: 64-byte answers to requests with "Connection: close", 32 at a time.
//   - heads: like keepalive, with request heads of 1,024 bytes: a browser's field
//     lines and a cookie.
//   - throughput: like keepalive, with 64 connections.
//
// Requests per second is what wrk got. It is the proxy's limit only where its
// core is in full use: with two cores, the load and the app share one, and are
// the slower side of a fast proxy. In throughput, a peer whose core was less
// than 95 % in use gets "≥" before its value: it could have passed on more.
//
// h2load sends these as fast as they are answered, over HTTP/2 without TLS, on
// both sides of the peer:
//
//   - h2c: 64-byte answers, 8 connections with 8 streams at a time on each, and
//   - h2c-single: 32 connections with one stream at a time on each, from clients
//     that wait for each answer: no two streams share a segment there.
//   - grpc and grpc-single: the same with unary calls. A call is a POST with a
//     message of 16 bytes and "te: trailers"; its answer is a message of the same
//     size and a status in trailers. That a peer passes these on is looked at
//     before any load.
//
// grpc-go is a check more than a figure: calls by the client of grpc-go, in the
// first round, none of which may fail.
//
// The load of tunnels sends or receives over 4 connections as fast as it can,
// and CPU time is divided by what came through, in units of 64 MiB:
//
//   - tcp-down and tcp-up: bytes from the app to the client and the other way,
//     which nobody reads anything into. Lameduck is told so (proto=tcp).
//   - ws-down and ws-up: WebSocket messages of 16 KiB, one frame each;
//   - ws1m-down and ws1m-up: of 1 MiB. Lameduck follows the frames, the others
//     relay bytes.
//
// Both ends of a tunnel are faster than any proxy: what is received is thrown
// away in the kernel.
//
// Latency is measured with 2,000 and 500 requests a second over 32 keep-alive
// connections (latency, latency500), which leaves the proxy idle most of the
// time. The load is ./pacer: open, so that a request is sent when it is due
// whatever became of the others, and its latency counts from when it was due.
// Added latency is what the quantile has beyond that of direct in the same
// round. It is not the quantile of what single requests had to wait longer,
// which nobody can measure. Being a difference it may be near zero or below, so
// that its ratio is one of medians. How late the load woke up itself is in the
// JSON file; the report says so where that spoils the latencies.
//
// Idle memory (idle with 1,000 connections, idle10k with 10,000 or as many as
// descriptors allow, ws-idle10k with as many WebSockets) is measured before any load, of other instances of the
// peers: in every other round, and the latter two once. Resident at start is Rss in
// /proc/PID/smaps_rollup half a second after the peer says that it is ready.
// Then the clients connect and make one request each, or send a message that is
// echoed, then three times more, 16 at a time, with 0.25 s of silence before each pass; 7 s after the last one
// Rss is read again. The growth, divided by the connections, is the memory per
// connection. So it holds what connections leave behind after use, and the heap
// that a garbage collector has grown to meanwhile, not the state just after
// accepting. The collector is not forced: Go would do it at the latest after
// two minutes of silence. Some peers are silent at a time, but only one is in
// use.
//
// The stripped binary is the size of the program's file less its symbol table
// and sections for debuggers.
//
// The peers' configurations are in peers/ and peer.go, as their documentation
// advises. One that speaks several protocols runs once for each, and a case is
// measured of those peers alone that can pass it on. Go programs have
// GOMAXPROCS=1 by their one core, as they would by a limit of one CPU.
//
// With -guard every target of the chosen cases and peers is judged, in a
// sentence each; a ratio is judged as the table shows it. A target for which a
// peer or its case was left out is missed.
//
// # The JSON file
//
// What -json writes is made to stay readable: fields are added, none changes.
//
//	machine       cpu, cores, kernel, go; versions: by program
//	time          of the run's beginning, RFC 3339
//	quick         whether it was a short run
//	rounds        as -rounds
//	keepalive_seconds, idle_connections
//	cases[]       name, title; rate: requests per second that are sent, absent: as many as are
//	              answered; connections: idle ones; check: that nothing failed matters more
//	              than the figures; in the order of the table
//	peers[]       name, title, version; in the order of the table
//	series[]      case, peer, metric: what it is of; title, unit (absent: none), digits: to show;
//	              hidden: not in the table; values: round by round; median, low, high;
//	              at_least: the load was the limit; lameduck_ratio: absent where there is none
//	notes[]       sentences: what was left out, what went wrong
//	targets[]     sentence, holds, measured
//
// The metrics are, for cases with load: cpu, cpu_whole, foreign (the share of
// the proxy's core that others had), rate (of tunnels in MiB per second, and
// their CPU time per 64 MiB), busy; for latencies instead of the last two p50, p99, added_p50, added_p99, late_p50, late_p99; start, resident
// and perconn for idle ones, and start_pss, idle_pss; size for binary.
//
// # What the numbers do not say
//
//   - Kernel time in interrupts goes to whoever runs on the core. On the loopback
//     device the sender's system call also runs the receiver's TCP, so the peer
//     pays for what the load and the app receive from it, and they for what it
//     receives: not so with a network card.
//   - A proxy that is not saturated wakes up more often, with less to do each
//     time, and so needs more CPU per request than one that is: compare keepalive
//     with latency.
//   - A good part of an added latency is not the proxy's but that of two more
//     wake-ups of a core that sleeps, which a virtual machine makes longer.
//   - Time stolen by a hypervisor and a busy neighbour's cache misses are in the
//     CPU times; hence rounds, ratios, and the line on how much of the proxy's
//     core others had. Two runs are comparable by their ratios only.
//   - nginx, HAProxy in http mode and the Go peers share connections to the app
//     among clients; Lameduck and haproxy-tcp open one for each. Over h2c, nginx
//     has one stream at a time on each of them, the others have many; Lameduck
//     and haproxy-tcp decode no header block. In newconn those
//     therefore open one connection per request where the two open two, and
//     nginx-nopool always does. (HAProxy in http mode shares only what it deems
//     safe, which the first request on a connection is not.)
//   - nginx writes answers that its client does not take at once to a temporary
//     file, up to 1 GB, as it does by default.
//   - Memory that the kernel keeps for sockets is in no figure: a connection of
//     a client and one to the app are two sockets.
//   - Rss of nginx counts pages that its two processes share twice; start_pss in
//     the JSON file shares them out, among all processes of the machine. nginx
//     and HAProxy set tables aside at start for as many connections as they are
//     configured for, here those of the idle case.
//   - nginx and HAProxy use shared libraries, which the binary's size leaves out.
//   - queue-proxy counts requests for Knative's autoscaler all the time, and
//     Caddy and Traefik have more to offer: what a peer can do that others cannot
//     is in no figure.
//   - There is no TLS, and no delay between the parties.
package main
