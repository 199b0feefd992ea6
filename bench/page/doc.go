// Page turns what bench/matrix, bench/overhead and bench/hold have measured into something to read:
//
//	go run ./bench/page -in bin/bench
//
// reads rollouts.json, overhead.json, hold.json and hold-real.json there, whichever are there, and writes beside them
//
//	index.html     everything, in one file that loads nothing
//	results.md     the same figures as Markdown tables
//	rollouts.svg   the picture of what a rollout loses
//
// Nothing is measured here, and nothing is left out: every cell, every verdict that does not hold and every note is shown.
package main
