// Package record has the results of bench/hold, as they are written, read and shown.
package record
