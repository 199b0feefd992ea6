// Mutants breaks the program on purpose, one promise at a time, and expects the tests to notice.
//
//	go run ./.ci/mutants                 # every mutant
//	go run ./.ci/mutants -changed        # those of files that differ from main
//	go run ./.ci/mutants -only I3        # those whose promise, patch or source file matches
//	go run ./.ci/mutants -list           # print them and stop
//	go run ./.ci/mutants -refresh        # rewrite patches whose lines have moved
//	go run ./.ci/mutants -new "I3: ..." -tests TestI3   # make one of the unstaged changes
//
// A mutant is a unified diff in patches, below the directory of the package that it changes. Its
// header names the promise that it breaks and the tests that must fail:
//
//	Promise: I3: no close option while more requests are outstanding
//	Tests: TestI3
//	In: proxy        (directory of the tests, if it is not the directory of the changed file)
//	Alone: yes       (build this mutant separately; see merge.go)
//
// The working tree never changes: the compiler reads the changed files from an overlay (go help
// build). Most mutants change one function, so all mutants of a package share one test binary,
// which holds each changed function in every variant. That makes the run ten times faster than a
// build for each mutant.
//
// Every result is one of: killed; skipped, if a test needs a program that is not installed;
// SURVIVED, if the tests pass twice; DOES NOT COMPILE; DOES NOT APPLY, if the patch does not match
// the source in exactly one place; and FAILS, if its tests do not exist or fail without the mutant.
// The exit code is 1 if a mutant survived, and 2 if one could not be tested.
package main
