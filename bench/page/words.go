package main

import (
	"fmt"
	"strings"

	"lameduck/bench/matrix/record"
)

// shortName is a strategy's name where there is little room.
func shortName(c record.Cell) string {
	return strings.TrimPrefix(c.Setup.Strategy, "preStop ")
}

// balancerName is a load balancer's name in a sentence.
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

// words are small numbers in words.
func words(n int) string {
	if n < 0 || n > 6 {
		return fmt.Sprint(n)
	}
	return []string{"no", "one", "two", "three", "four", "five", "six"}[n]
}

func capital(s string) string { return strings.ToUpper(s[:min(1, len(s))]) + s[min(1, len(s)):] }

func plainSeconds(v float64) string { return fmt.Sprintf("%g s", v) }

func number0(v float64) string { return record.Count(int(v + 0.5)) }

// counted is a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "one " + noun
	}
	return record.Count(n) + " " + noun + "s"
}
