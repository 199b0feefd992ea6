// Command demo shows what a rolling update costs: the same pods are replaced under the same load three times, first
// bare, then with a preStop sleep that is too short, then behind Lameduck, while the load balancer learns of each
// pod's end some seconds late.
//
//	go run ./bench/demo [-lag 2s] [-rate 300] [-replicas 3] [-json FILE]
//
// The app is package bench/app, which dies on SIGTERM. Load balancer, load and kubelet are those of packages balancer,
// load and rollout; nothing but 127.0.0.1 is used. It takes less than a minute, and the table on standard output is
// all that it leaves, apart from the FILE.
//
// The exit code is 0 when Lameduck lost no request and the bare pods lost some, 1 when that is not so or something
// went wrong (then what the pods wrote is kept, and named), and 2 for flags that make no sense.
package main
