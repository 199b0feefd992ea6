package main

import (
	"fmt"
	"strings"

	"lameduck/bench/internal/table"
	"lameduck/bench/matrix/record"
)

// shortName returns the short form of a strategy's name.
func shortName(c record.Cell) string {
	return strings.TrimPrefix(c.Setup.Strategy, "preStop ")
}

// balancerName returns a load balancer's name in a sentence.
func balancerName(kind string) string {
	switch kind {
	case "haproxy":
		return "HAProxy"
	case "haproxy-reload":
		return "HAProxy, reloaded"
	case "caddy":
		return "Caddy"
	case "built-in":
		return "a load balancer"
	}
	return kind
}

// words returns a number, in words if it is small.
func words(n int) string {
	if n < 0 || n > 6 {
		return fmt.Sprint(n)
	}
	return []string{"no", "one", "two", "three", "four", "five", "six"}[n]
}

func capital(s string) string { return strings.ToUpper(s[:min(1, len(s))]) + s[min(1, len(s)):] }

func plainSeconds(v float64) string { return fmt.Sprintf("%g s", v) }

func number0(v float64) string { return table.Count(int(v + 0.5)) }

// counted returns a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "one " + noun
	}
	return table.Count(n) + " " + noun + "s"
}
