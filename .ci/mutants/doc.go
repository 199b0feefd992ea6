// Mutants breaks the program on purpose, one promise at a time, and expects the tests to notice.
//
//	go run ./.ci/mutants              # all of them, from anywhere in the module
//	go run ./.ci/mutants -only I3     # those whose name matches
//	go run ./.ci/mutants -list        # what there is
//
// A mutant is one small change of the source, see the list_*.go files: the promise that dies with it, the file, what is
// changed, and the tests that are to fail. The tree stays as it is: the compiler gets the change as an overlay (go help build,
// -overlay). Before the first mutant the same tests run without any, and must pass.
//
// A mutant that no test notices is alive, and the exit code is 1: the promise is not tested, or the change makes no
// difference and is a bad mutant. One that does not compile, whose text is not found exactly once, or whose tests do not exist,
// is a fault in the list: the exit code is 2.
package main
