package table

import (
	"fmt"
	"strings"
)

// Count formats a number with a comma between thousands.
func Count(n int) string { return group(fmt.Sprint(n)) }

// Number formats v with the given number of digits after the decimal point and a comma between
// thousands.
func Number(v float64, digits int) string {
	whole, fraction, found := strings.Cut(fmt.Sprintf("%.*f", digits, v), ".")
	if !found {
		return group(whole)
	}
	return group(whole) + "." + fraction
}

// group inserts a comma between the thousands of a whole number.
func group(digits string) string {
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
