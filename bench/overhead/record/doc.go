// Package record has the results of a run of bench/overhead, as JSON.
//
//	bench/overhead ──> overhead.json ──> bench/page
package record
