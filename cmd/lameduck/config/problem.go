package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// A Problem is an error of a variable.
type Problem struct {
	Variable string // its name
	Text     string // what it must be, and the value where that cannot be a secret
}

func (p Problem) Error() string { return p.Variable + ": " + p.Text }

// Problems are all errors of a configuration.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}

// add adds the errors of a variable, one or several that are joined.
func (p *Problems) add(name string, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			p.add(name, e)
		}
		return
	}
	*p = append(*p, Problem{name, err.Error()})
}

// sorted returns the problems in the order of the table, unknown variables first.
func (p Problems) sorted() Problems {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Compare(position(a.Variable), position(b.Variable))
	})
	return p
}

func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// mustBe returns the error of a variable with an invalid value.
func mustBe(what, got string) error { return fmt.Errorf("must be %s, got %s", what, show(got)) }

// maxShown is the length of the longest value that is printed. No correct value of a number, a
// duration or an address is longer.
const maxShown = 80

// show quotes a value for an error. A value that may have credentials in it, such as a URL or a
// PEM file that was pasted into the wrong variable, is not printed.
func show(value string) string {
	if value == "" {
		return "an empty value"
	}
	for _, r := range value {
		if strings.ContainsRune("@/?&+%#=;", r) || !unicode.IsPrint(r) {
			return "a value that may be a secret (not shown)"
		}
	}
	if len(value) > maxShown || strings.Contains(value, "-----") {
		return "a value that may be a secret (not shown)"
	}
	return strconv.Quote(value)
}
