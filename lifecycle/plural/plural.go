// Package plural writes numbers with their nouns.
package plural

import (
	"fmt"
	"strings"
)

// An integer is any integer.
type integer interface {
	~int | ~int32 | ~int64 | ~uint | ~uint32 | ~uint64
}

// Count returns a number with its noun, such as "1 pod" and "2 pods". The noun is the singular.
func Count[N integer](n N, noun string) string { return fmt.Sprint(n) + " " + Noun(n, noun) }

// Noun returns the form of a noun that goes with a number.
func Noun[N integer](n N, noun string) string {
	ending := "s"
	if strings.HasSuffix(noun, "s") {
		ending = "es"
	}
	return Pick(n, noun, noun+ending)
}

// Pick returns one of two forms, such as "was" and "were", that goes with a number.
func Pick[N integer](n N, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
