// Command demo shows what a rolling update loses. The same pods are replaced under the same load
// three times: bare, with a preStop sleep that is too short, and behind Lameduck. The load balancer
// learns about each termination some seconds late.
//
//	go run ./bench/demo [-lag 2s] [-rate 300] [-replicas 3] [-json FILE]
//
// The app is bench/app, which exits on SIGTERM. Load balancer, load and kubelet come from packages
// balancer, load and rollout. All traffic stays on the loopback interface. The demo takes less than
// a minute and writes a table to standard output.
//
// The exit code is 0 if Lameduck lost no request and the bare pods lost some, and 2 for invalid
// flags. Otherwise it is 1; then the output of the pods is kept, and an error names its directory.
package main
