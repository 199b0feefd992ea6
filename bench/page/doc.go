// Page renders the results of bench/matrix, bench/overhead and bench/hold:
//
//	go run ./bench/page -in bin/bench
//
// reads rollouts.json, overhead.json, hold.json and hold-real.json in the directory, or those that
// exist, and writes
//
//	index.html     everything, in one self-contained file
//	results.md     the same results as Markdown tables
//	rollouts.svg   a picture of what a rollout loses
//
// Nothing is left out: every cell, every missed verdict and every note is shown.
package main
