// Matrix measures what rolling updates lose: one trial after the other, for combinations of load
// balancers, their delays, apps, strategies of termination, and loads.
//
//	go run ./bench/matrix                          # the small matrix, two minutes
//	go run ./bench/matrix -full -out bench/results # everything, most of an hour
//	go run ./bench/matrix -full -list -run rhythm  # list cells and how long they take
//	go run ./bench/matrix -full -resume            # resume an interrupted run
//	go run ./bench/matrix -guard                   # fail if a result is not as expected
//
// Every cell is a trial.Config with a name, GROUP/WHERE/STRATEGY. Cells with much load run alone,
// one after the other. Cells with at most 20 requests per second mostly wait, so several run at a
// time. Each finished cell is written to DIR/rollouts.json at once. The table goes to stdout as
// Markdown, and progress to stderr.
//
// Missing programs are reported before anything runs. nginx and HAProxy are required. A cell that
// needs another missing program is skipped, and so is a cell whose measurement failed twice in a
// row. If thousands of requests are in flight at a time, the machine is too slow for the load, and
// the cell is aborted.
//
// # Expected results
//
// Behind Lameduck no request is lost, and a pod ends at most a second after the required silence:
//
//	termination <= max(true delay, last answer) + required silence + 1 s
//
// True delay is the time until the last node of the load balancer stopped choosing the pod.
// Requests sent before may take longer, so the last answer to any request sent until then counts
// too. The harness does not know which pod answered a request, so it takes the last answer of all
// pods. This is an upper bound, and equals the true delay if answers take milliseconds. The
// required silence is in Lameduck's termination message.
//
// Pods that are bare, or that sleep for less than the load balancer's delay, must lose requests if
// their load balancer does not retry. If they do not, the harness does not detect losses, and that
// is a missed verdict too.
//
// # Changeovers
//
// Caddy loads a new configuration with new listening sockets and closes the old ones. The kernel
// then resets the connections in their backlogs. No pod has seen a request on such a connection,
// since a load balancer that had forwarded it would have answered 502. So no strategy could save
// it. It is a changeover (see load.Changeover), which is neither answered nor lost, and counted
// separately for every strategy. Only new connections that were opened or broken during the
// changeover, before the first byte of the answer, count as such. This affects one request in
// thousands. If it affects more than 0.5 % of a cell's requests, and more than one, the harness is
// at fault, and that is a missed verdict.
package main
