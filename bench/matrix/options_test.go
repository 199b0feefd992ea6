package main

import (
	"strings"
	"testing"
)

func TestDefaultsAreFine(t *testing.T) {
	o, err := parseOptions(nil, new(strings.Builder))
	if err != nil || o.full || len(o.chosen()) != len(o.all()) || o.out != "bin/bench" {
		t.Errorf("options are %+v, %v", o, err)
	}
}

func TestRunChooses(t *testing.T) {
	o, err := parseOptions([]string{"-full", "-run", "^rhythm/.*/native$"}, new(strings.Builder))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range o.chosen() {
		if c.group != "rhythm" || c.strategy.slug != "native" {
			t.Errorf("%s is chosen", c.name())
		}
	}
}

func TestFlagsWithoutSenseAreRefused(t *testing.T) {
	for flags, want := range map[string]string{
		"-run (":       "-run (: error parsing regexp",
		"-run nothing": "-run nothing: no cell matches, see -list",
		"more":         `unexpected argument "more"`,
		"-out=":        "-out: must be a directory",
		"-fool":        "flag provided but not defined",
	} {
		t.Run(flags, func(t *testing.T) {
			var out strings.Builder
			if _, err := parseOptions(strings.Fields(flags), &out); err == nil {
				t.Error("taken as they are")
			}
			if !strings.Contains(out.String(), want) {
				t.Errorf("said %q, want it to say %q", out.String(), want)
			}
		})
	}
}

func TestCommandIsWhatWasTyped(t *testing.T) {
	if got := commandLine([]string{"-full", "-run", "x"}); got != "go run ./bench/matrix -full -run x" {
		t.Errorf("command is %q", got)
	}
}
