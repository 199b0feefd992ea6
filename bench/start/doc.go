// Start measures how much memory the Go runtime and the libraries that Lameduck needs use at start.
//
//	go run ./bench/start                               # half a minute
//	go run ./bench/start -write docs/performance.md    # and write the table
//
// It builds an empty program, the same program with a single library or a use of it added, one with
// all of them, and Lameduck. All run at the same time on one core, so that Go programs have
// GOMAXPROCS=1, and do nothing. Their memory is read two seconds after the last one has started, and
// the table has the medians of the rounds.
//
// Resident is VmRSS in /proc/PID/status. Anonymous is RssAnon, the part that a pod pays for: heaps,
// stacks, and pages of the program's data that were written. The rest are pages of the program's
// file, which the kernel can drop and which all processes of that program share.
//
// A library costs memory even if it is not used: its code is linked in, its packages initialize
// their variables, and a larger program has larger tables.
package main
