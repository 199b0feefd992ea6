// Overhead measures the cost of a proxy in front of an app, for Lameduck and its peers, alternating
// within one run on one machine.
//
//	go run ./bench/overhead                                  # all of it, at most 35 minutes
//	go run ./bench/overhead -quick                           # two minutes
//	go run ./bench/overhead -quick -guard                    # and fail if a target is missed
//	go run ./bench/overhead -table cost                      # beside nginx and HAProxy, 12 minutes
//	go run ./bench/overhead -table cost -write docs/performance.md
//	go run ./bench/overhead -regress                         # a minute: fail if a request costs more
//	go run ./bench/overhead -regress -update                 # replace the baseline
//	go run ./bench/overhead -cases keepalive -peers nginx,lameduck -rounds 9
//	go run ./bench/overhead -lameduck ./lameduck -json out.json
//
// It requires two cores, wrk and nginx-light, which is also the app. Some peers
// need haproxy and caddy; HTTP/2 needs nghttp2-client for the load and, for gRPC,
// nghttp2-server for the app. All of these are Debian packages. Traefik and
// queue-proxy are built once from the Go module proxy, which takes minutes. A
// peer or a case that cannot run here is left out, with a note in the report,
// unless -peers or -cases names it. The table goes to stdout as Markdown, and
// progress with the remaining time to stderr.
//
//	 all other cores          the proxy's core          all other cores
//	┌───────────────┐        ┌────────────────┐        ┌────────────────┐
//	│ the load      │ ─────> │ the peer       │ ─────> │ the app        │
//	└───────────────┘        └────────────────┘        └────────────────┘
//	                          direct: no proxy
//
//	case                        load        app
//	latency, latency500         ./pacer     nginx
//	h2c, h2c-single             h2load      nginx
//	grpc, grpc-single           h2load      nghttpd
//	grpc-go                     ./caller    nghttpd
//	tcp-…, ws…                  ./tunnel    ./tunnel
//	tls-handshake, tls-resumed  ./greeter   nginx
//	busy10k                     ./crowd     nginx
//	all others                  wrk         nginx
//
// # Method
//
// Each peer is started once, bound to the proxy's core before exec, and runs for the whole run;
// idle peers use no CPU. Each round measures every case of every peer, in a different order each
// time, so that compared values are measured within seconds. A warm-up round is discarded. The
// table shows the median of the rounds, with the lowest and the highest value, and the median of
// the ratios of lameduck to the peer in each round.
//
// CPU per request is the CPU time of the peer's threads under load, divided by the number of
// responses. The time is read before and after the load from the first field of
// /proc/PID/task/TID/schedstat, in nanoseconds, summed over the threads of all processes of the
// peer's process group. The time from /proc/PID/stat, in ticks of 10 ms but including threads that
// have ended, is in the JSON file as cpu_whole. A note is printed if the two disagree.
//
// wrk sends these requests as fast as they are answered:
//
//   - keepalive: 64-byte responses, 32 connections, with the shortest request
//     heads of wrk (about 50 bytes).
//   - large: files of 1 MiB, 32 connections.
//   - huge: files of 64 MiB, 4 connections. The number of responses is computed
//     from the received bytes, since the end of the load cuts many.
//   - newconn: 64-byte responses to requests with "Connection: close", 32 at a time.
//   - heads: like keepalive, with request heads of 1,024 bytes: a browser's field
//     lines and a cookie.
//   - throughput: like keepalive, with 64 connections.
//
// Requests per second is wrk's result. It is the proxy's limit only if the proxy's core is fully
// used: with two cores, the load and the app share one and are slower than a fast proxy. In
// throughput, "≥" marks the value of a peer whose core was less than 95 % in use, which is a lower
// bound.
//
// h2load sends these requests as fast as they are answered, over HTTP/2 without
// TLS on both sides of the peer:
//
//   - h2c: 64-byte responses, 8 connections with 8 streams at a time on each.
//   - h2c-single: 32 connections with one stream at a time on each, so that no two
//     streams share a segment.
//   - grpc and grpc-single: the same with unary calls. A call is a POST with a
//     message of 16 bytes and "te: trailers"; the response is a message of the
//     same size and a status in trailers. Before any load, the harness checks that
//     a peer forwards these.
//
// grpc-go is a check rather than a measurement: calls by the client of grpc-go, in
// the first round, none of which may fail.
//
// The load of tunnels sends or receives over 4 connections as fast as it can. CPU
// time is divided by the transferred amount, in units of 64 MiB:
//
//   - tcp-down and tcp-up: plain bytes from the app to the client and back.
//     Lameduck is configured for plain TCP (proto=tcp).
//   - ws-down and ws-up: WebSocket messages of 16 KiB, one frame each.
//   - ws1m-down and ws1m-up: WebSocket messages of 1 MiB. Lameduck parses the
//     frames, the others relay bytes.
//
// Both ends of a tunnel are faster than any proxy, since the kernel discards the
// received bytes.
//
// With TLS, clients use TLS 1.3, X25519 and TLS_AES_128_GCM_SHA256. The certificate's key is ECDSA
// on P-256, session tickets are on, and the connection to the app is without TLS:
//
//   - tls-handshake: like newconn, with a full handshake on each connection. The server issues
//     session tickets, as many as it does by default: Lameduck one, the others two.
//   - tls-resumed: the same with a resumed session on each connection. It is an error if a
//     connection has another suite, or is not resumed.
//   - tls-keepalive and tls-large: like keepalive and large.
//   - tls-idle and tls-idle3k: like idle.
//
// observe and observe-newconn send the loads of keepalive and newconn straight to an app on the
// proxy's core. CPU time is that of the app alone (direct), and of the app and of a Lameduck that
// observes its port.
//
// scale is the load of throughput, with one thread or worker on each of one, two and more cores. A
// proxy that scales linearly needs the same CPU time for a request on n cores as on one, so its
// share of linear is the CPU time on one core divided by that on n. The proxy gets up to half of
// the machine's cores. With fewer than four cores it gets up to all of them, and the load and the
// app use all cores too, regardless of the proxy's number. Then requests per second are those of
// the whole machine, and only CPU times are comparable.
//
// busy10k has a request in flight on each of 10,000 connections, or of as many as descriptors allow.
// ./crowd opens them one after the other, uses each once, and then sends the next request on each as
// soon as it has the response. So the latency is mostly the time in queues. Memory is the largest
// Rss during the load, and per connection its growth since the start.
//
// Latency is measured with 2,000 and 500 requests a second over 32 keep-alive connections (latency,
// latency500), which leaves the proxy idle most of the time. The load is ./pacer, which is
// open-loop: a request is sent when it is due, regardless of the others, and its latency counts
// from then. Added latency is the difference between the quantile and that of direct in the same
// round. It is not the quantile of the added latency of single requests, which cannot be measured.
// It may be near zero or negative, so its ratio is one of medians. The JSON file has the lateness
// of the load itself; the report has a note if it affects the latencies.
//
// Idle memory (idle with 1,000 connections, idle3k with 3,000, idle10k with 10,000 or as many as
// descriptors allow, ws-idle10k with as many WebSockets) is measured before any load, with separate
// instances of the peers: those with 1,000 and 3,000 connections in every other round, the others
// once. Resident at start is Rss in /proc/PID/smaps_rollup half a second after the peer is ready.
// Then the clients connect and make one request each, or send a message that is echoed. They do so
// three more times, 16 at a time, with a pause of 0.25 s before each pass. 7 s after the last pass
// Rss is read again. The growth, divided by the number of connections, is the memory per
// connection. So it includes memory that connections leave behind after use, and the growth of a
// garbage-collected heap. Garbage collection is not forced; Go would run it after at most two idle
// minutes. Several peers may be idle at the same time, but only one is in use.
//
// The stripped binary is the size of the program's file without its symbol table and debug
// sections.
//
// The peers' configurations are in peers/ and peer.go, as their documentation recommends. A peer
// that speaks several protocols runs once for each. A case is measured only of peers that support
// its protocol. Go programs have GOMAXPROCS=1 because of their single core, as with a limit of one
// CPU.
//
// With -guard every target of the chosen cases and peers gets a verdict. A target is missed if a
// peer or its case was left out.
//
// With -regress the cost of a request is compared with baseline.json, as a share of the peers' cost
// in the same run. The cost is the number of instructions if perf can count them for the baseline
// and for this run, and CPU time otherwise. It counts as grown if it has grown relative to every
// peer: instructions by more than 3 %, CPU time by more than 10 %.
//
// # The JSON file
//
// The format of the JSON file is stable: fields are added, but not changed.
//
//	machine       cpu, cores, kernel, go; versions: by program
//	time          start of the run, RFC 3339
//	quick         whether it was a short run
//	rounds        as -rounds
//	keepalive_seconds, idle_connections
//	cases[]       name, title; rate: requests per second, absent if as fast as possible;
//	              connections: idle connections; check: whether it is only a check that
//	              nothing fails; in the order of the table
//	peers[]       name, title, version; in the order of the table
//	series[]      case, peer, metric; title, unit (optional), digits to show;
//	              hidden: not in the table; values: of each round; median, low, high;
//	              at_least: the load was the limit; lameduck_ratio (optional)
//	notes[]       sentences: what was left out, what went wrong
//	targets[]     sentence, holds, measured
//
// The metrics of cases with load are cpu, cpu_whole, instructions (with -regress, if perf can count
// them), foreign (the share of the proxy's core that other processes used), rate (for tunnels in
// MiB per second, with CPU time per 64 MiB) and busy. Latency cases have p50, p99, added_p50,
// added_p99, late_p50 and late_p99 instead of rate and busy. Idle cases have start, resident,
// perconn, start_pss and idle_pss, and busy10k has p50, p99, resident and perconn. scale has cpu_N,
// rate_N and linear_N for each number N of cores. The case binary has size.
//
// # Limits
//
//   - Kernel time in interrupts counts for the process that runs on the core. On
//     the loopback device the sender's system call also runs the receiver's TCP.
//     So the peer pays for what the load and the app receive from it, and they pay
//     for what it receives. This differs with a network card.
//   - A proxy that is not saturated wakes up more often with less to do, and so
//     needs more CPU per request: compare keepalive with latency.
//   - A large part of an added latency is caused not by the proxy but by two more
//     wake-ups of a sleeping core, which take longer in a virtual machine.
//   - CPU times include time stolen by a hypervisor and cache misses caused by
//     neighbours. So there are rounds and ratios, and the report has the share of
//     the proxy's core that other processes used. Only the ratios of two runs are
//     comparable.
//   - nginx, HAProxy in http mode and the Go peers share connections to the app
//     among clients; Lameduck and haproxy-tcp open one for each client connection.
//     Over h2c, nginx has one stream at a time on each of them, the others have
//     many; Lameduck and haproxy-tcp do not decode header blocks. So in newconn a
//     request takes one new connection with the former, and two with the latter
//     and nginx-nopool. (HAProxy in http mode shares only connections that it
//     considers safe, which the first request on a connection is not.)
//   - By default nginx writes responses that its client does not read at once to a
//     temporary file, up to 1 GB.
//   - No value includes the kernel's memory for sockets. A client connection with
//     its connection to the app takes two sockets.
//   - Rss of nginx counts pages that its two processes share twice; start_pss in
//     the JSON file divides them among all processes of the machine. nginx and
//     HAProxy allocate tables at start for the configured number of connections,
//     here that of the idle case.
//   - nginx and HAProxy use shared libraries, which the binary's size excludes.
//   - queue-proxy always counts requests for Knative's autoscaler, and Caddy and
//     Traefik have more features. No value accounts for features.
//   - There is no network delay.
package main
