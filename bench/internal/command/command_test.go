package command

import (
	"errors"
	"flag"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for name, tc := range map[string]struct {
		args    string
		printed string
		code    int
	}{
		"valid flags":    {"-n 1", "", 0},
		"help":           {"-h", "Usage of it:", 0},
		"unknown flag":   {"-m 1", "flag provided but not defined: -m", 2},
		"invalid flag":   {"-n 0", "-n 0: must be at least 1\n", 2},
		"other argument": {"-n 1 x", "unexpected argument \"x\": there are only flags\n", 2},
		"both":           {"-n 0 x", "there are only flags\n-n 0: must be at least 1\n", 2},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			f := flag.NewFlagSet("it", flag.ContinueOnError)
			f.SetOutput(&out)
			n := f.Int("n", 1, "`number`")
			err := Parse(f, strings.Fields(tc.args), func() error {
				if *n < 1 {
					return errors.New("-n 0: must be at least 1")
				}
				return nil
			})
			if !strings.Contains(out.String(), tc.printed) || tc.printed == "" && out.Len() > 0 {
				t.Errorf("printed %q, want %q", out.String(), tc.printed)
			}
			var more strings.Builder
			if code := exitCode("it", err, &more); code != tc.code || more.Len() > 0 {
				t.Errorf("exit code %d with %q, want %d and no output: %v", code, more.String(), tc.code, err)
			}
		})
	}
}

func TestOtherErrorsArePrinted(t *testing.T) {
	var out strings.Builder
	if code := exitCode("it", errors.New("no luck"), &out); code != 1 || out.String() != "it: no luck\n" {
		t.Errorf("exit code %d with %q", code, out.String())
	}
}
