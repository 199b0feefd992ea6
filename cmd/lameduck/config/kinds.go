package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A setter reads a value into a field of a configuration.
type setter = func(c *Config, value string) error

// maxDuration is a century. Two such durations can be added up.
const maxDuration = 876000 * time.Hour

const aDuration = "a duration that is not negative (for example 90s)"

func duration(field func(*Config) *time.Duration) setter {
	return func(c *Config, value string) error {
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 {
			return mustBe(aDuration, value)
		}
		if d > maxDuration {
			return mustBe("a duration of at most 876000h (for example 90s)", value)
		}
		*field(c) = d
		return nil
	}
}

func orDerived(field func(*Config) *time.Duration) setter {
	return func(c *Config, value string) error {
		if value == "derived" {
			*field(c) = Derived
			return nil
		}
		if _, err := time.ParseDuration(value); err != nil {
			return mustBe("derived, or "+aDuration, value)
		}
		return duration(field)(c, value)
	}
}

func setHoldMax(c *Config, value string) error {
	err := orDerived(func(c *Config) *time.Duration { return &c.HoldMax })(c, value)
	if err == nil && c.HoldMax == 0 {
		return mustBe("derived, or a duration above 0s (for example 90s)", value)
	}
	return err
}

func setHoldRisk(c *Config, value string) error {
	f, err := strconv.ParseFloat(value, 64)
	if err != nil || !(f >= 1e-6 && f <= 1) { // NaN is neither
		return mustBe("a number from 0.000001 to 1", value)
	}
	c.HoldRisk = f
	return nil
}

func setHoldEscalation(c *Config, value string) error {
	f, err := strconv.ParseFloat(value, 64)
	if err != nil || !(f >= 0 && f <= 1) { // NaN is neither
		return mustBe("a number from 0 to 1", value)
	}
	c.HoldEscalation = f
	return nil
}

func count(field func(*Config) *int) setter {
	return func(c *Config, value string) error {
		n, err := strconv.ParseInt(value, 10, 32)
		if err != nil || n < 0 {
			return mustBe("a whole number from 0 to 2147483647", value)
		}
		*field(c) = int(n)
		return nil
	}
}

// units are the units of sizes. Those of Kubernetes are without the B.
var units = []struct {
	suffix string
	bytes  int
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"Ki", 1 << 10}, {"Mi", 1 << 20}, {"", 1}}

// size returns a setter for a size from least to most bytes.
func size(field func(*Config) *int, least, most int) setter {
	what := sizeRange(least, most)
	return func(c *Config, value string) error {
		for _, u := range units {
			number, ok := strings.CutSuffix(value, u.suffix)
			if !ok {
				continue
			}
			n, err := strconv.ParseUint(number, 10, 32)
			if err != nil || int(n) < (least+u.bytes-1)/u.bytes || int(n) > most/u.bytes {
				break
			}
			*field(c) = int(n) * u.bytes
			return nil
		}
		return mustBe(what, value)
	}
}

// sizeOrDerived is size for a field whose zero value means that it is derived.
func sizeOrDerived(field func(*Config) *int, least, most int) setter {
	set := size(field, least, most)
	return func(c *Config, value string) error {
		if value == "derived" {
			*field(c) = 0
			return nil
		}
		if set(c, value) != nil {
			return mustBe("derived, or "+sizeRange(least, most), value)
		}
		return nil
	}
}

// sizeRange describes the sizes that size accepts.
func sizeRange(least, most int) string {
	example := 64 * least
	return fmt.Sprintf("a size from %s to %s (for example %d or %s)",
		sizeString(least), sizeString(most), example, sizeString(example))
}

// sizeString returns a size in the largest unit that it is a multiple of.
func sizeString(n int) string {
	switch {
	case n%(1<<20) == 0:
		return fmt.Sprintf("%dMiB", n>>20)
	case n%(1<<10) == 0:
		return fmt.Sprintf("%dKiB", n>>10)
	}
	return strconv.Itoa(n)
}

func boolean(field func(*Config) *bool) setter {
	return func(c *Config, value string) error {
		b, err := strconv.ParseBool(value)
		if err != nil {
			return mustBe("true or false", value)
		}
		*field(c) = b
		return nil
	}
}

// oneOf returns a setter for one of the words, in upper or lower case.
func oneOf(field func(*Config) *string, words ...string) setter {
	last := len(words) - 1
	what := strings.Join(words[:last], ", ") + " or " + words[last]
	return func(c *Config, value string) error {
		for _, w := range words {
			if strings.EqualFold(value, w) {
				*field(c) = w
				return nil
			}
		}
		return mustBe(what, value)
	}
}

// file returns a setter for the path of a file. An error does not quote the value: it may be a key
// in the wrong variable.
func file(field func(*Config) *string) setter {
	return func(c *Config, value string) error {
		if strings.ContainsAny(value, "\r\n") || strings.Contains(value, "-----BEGIN") {
			return errors.New("must be the path of a file, not its contents (the value is not shown)")
		}
		*field(c) = value
		return nil
	}
}

func list(field func(*Config) *[]string) setter {
	return func(c *Config, value string) error {
		*field(c) = members(value)
		return nil
	}
}

// paths returns a setter for a list of URL paths. An error does not quote them: some contain a
// token.
func paths(field func(*Config) *[]string) setter {
	return func(c *Config, value string) error {
		var errs []error
		all := members(value)
		for i, p := range all {
			if !strings.HasPrefix(p, "/") || strings.ContainsAny(p, "?# ") {
				errs = append(errs, fmt.Errorf(
					"must be absolute paths without query (for example /healthz), path %d is not", i+1))
			}
		}
		*field(c) = all
		return errors.Join(errs...)
	}
}

// members returns the members of a comma-separated list, without the empty ones.
func members(value string) []string {
	var all []string
	for m := range strings.SplitSeq(value, ",") {
		if m = strings.TrimSpace(m); m != "" {
			all = append(all, m)
		}
	}
	return all
}
