// Package config is the configuration of Lameduck: the LAMEDUCK_ variables, their defaults, their
// meaning and their documentation.
//
// The program itself, `lameduckctl inject` and `lameduckctl lint` read variables with this package
// alone, so that all three accept the same. It knows no file, socket, clock or cluster.
//
// To add a variable, add a field to [Config] and a row to the table in variables.go. --help, the
// table in the documentation, inject and lint follow from the row. Run
//
//	go test ./cmd/lameduck/config -run Documentation -update
//
// to write the row into the documentation.
package config
