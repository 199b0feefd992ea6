// Command hold shows when holds end: how long after the last request, and how often before it.
//
//	go run ./bench/hold                     1,000,000 rollouts, about half an hour on two cores
//	go run ./bench/hold -n 20000            some thousand of them, in seconds
//	go run ./bench/hold -shapes ingress,cloud -seed 7
//	go run ./bench/hold -list               the shapes of traffic
//	go run ./bench/hold -guard              fail if a figure misses its limit
//	go run ./bench/hold -real               the same shapes with the real program, in real time
//
// The simulation plays rollouts in virtual time, with the seeds from -seed on. The same flags give
// the same results on every machine. Package sim documents which code is real.
//
// With -real, callers with addresses of their own send requests to the built program until their
// routes end, and the program is drained. See package real.
package main
