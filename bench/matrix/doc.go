// Matrix measures what rolling updates lose: one trial after the other, over load balancers, their delays, apps, ways to
// end a pod, and loads.
//
//	go run ./bench/matrix                          # the small matrix, two minutes
//	go run ./bench/matrix -full -out bench/results # everything, most of an hour
//	go run ./bench/matrix -full -list -run rhythm  # what would be done, and how long it would take
//	go run ./bench/matrix -full -resume            # go on where a run was interrupted
//	go run ./bench/matrix -guard                   # and fail where something is not as it must be
//
// Every cell is a trial.Config with a name, GROUP/WHERE/STRATEGY. Those with much load are run alone, one after the
// other; those with at most 20 requests per second spend their time waiting and are run several at a time. Each one
// that is done is written to DIR/rollouts.json at once. The table goes to stdout as Markdown, progress to stderr.
//
// What a cell needs and this machine does not have is said before anything runs: without nginx or HAProxy there is no
// matrix; a cell that needs another program is left out, and so is one that could not be measured twice in a row. A machine that
// falls so far behind a cell's load that thousands of requests are out at a time is too slow for it: the cell ends then.
//
// # What a cell must show
//
// Behind Lameduck no request is lost, and a pod ends at most a second after it has seen the silence that it requires:
//
//	termination <= max(true delay, last answer) + required silence + 1 s
//
// True delay is when the last node of the load balancer chose the pod for no further request. Requests that it sent
// before may be out for longer: so what counts is the last answer to any request sent until then. It is taken over the
// requests to all pods, since nobody outside knows which pod answered what: a bound from above, and the same as the
// true delay where answers take milliseconds. The required silence is what Lameduck's termination message says.
//
// Pods that are bare, or that only sleep for less than the load balancer's delay, must lose something where their load
// balancer tries nothing twice. If they do not, the harness sees nothing, and that is a missed verdict too.
//
// # What is neither answered nor lost
//
// A load balancer that takes a new configuration with new listening sockets, as Caddy does, closes the old ones, and the kernel
// resets the connections that still lie in their queues. No pod has seen such a request, since a load balancer that had passed it on
// would have answered 502; so no way to end a pod could help it. It is a changeover (see load.Changeover), counted by itself
// for every strategy alike, and shown wherever there is one. Only new connections that were opened or broken during the
// changeover, and before the first byte of the answer, have this excuse. It is for one request in thousands: where it is used for
// more than 0.5 % of a cell's requests, and more than once, the verdict is that the harness is at fault.
package main
