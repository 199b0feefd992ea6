package inject

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The variables that Inject sets itself.
const (
	routesVariable  = "LAMEDUCK_ROUTES"
	graceVariable   = "LAMEDUCK_GRACE_PERIOD"
	appStopVariable = "LAMEDUCK_APP_STOP"
)

// Those that have to fit into the hold, or to the routes.
const (
	holdMinVariable  = "LAMEDUCK_HOLD_MIN"
	quietVariable    = "LAMEDUCK_HOLD_QUIET"
	holdMaxVariable  = "LAMEDUCK_HOLD_MAX"
	spreadVariable   = "LAMEDUCK_TUNNEL_SPREAD"
	fallbackVariable = "LAMEDUCK_FALLBACK"
)

// noFiles is why TLS is not for inject.
const noFiles = "inject brings no files into the pod: use the component, and a patch that mounts them"

// reserved are those that would part the sidecar from what Inject has done to the pod, each with what to do instead.
var reserved = map[string]string{
	routesVariable:           "say lameduck.dev/ports",
	graceVariable:            "say lameduck.dev/grace-period",
	appStopVariable:          "say lameduck.dev/app-stop",
	"LAMEDUCK_ADMIN":         "hooks and probes go to port 18081",
	"LAMEDUCK_CONTROL":       "the preStop hook goes to port 18082",
	"LAMEDUCK_TLS_CERT":      noFiles,
	"LAMEDUCK_TLS_KEY":       noFiles,
	"LAMEDUCK_TLS_CLIENT_CA": noFiles,
}

// variables are the others that Lameduck knows, each with what it takes: a sidecar that refuses its configuration lets no pod
// start. A test compares the names with the README.
var variables = map[string]values{
	holdMinVariable: aDuration, quietVariable: aDuration, holdMaxVariable: aDerivedDuration, spreadVariable: aDerivedDuration,
	"LAMEDUCK_HOOK_WINDOW": aDuration, "LAMEDUCK_APP_WAIT": aDuration, "LAMEDUCK_UNREADY_AFTER": aDuration, "LAMEDUCK_HEADER_TIMEOUT": aDuration,
	"LAMEDUCK_SILENCE_FACTOR": aFactor, "LAMEDUCK_MAX_CONNECTIONS": aCount, "LAMEDUCK_END_EVENT_STREAMS": aBool, "LAMEDUCK_KEEP_CLIENT": aBool,
	fallbackVariable: addresses, "LAMEDUCK_PROBE_AGENTS": anything, "LAMEDUCK_PROBE_PATHS": paths, "LAMEDUCK_LB_HEALTH_PATHS": paths,
	"LAMEDUCK_STOP_SIGNAL": anything, "LAMEDUCK_TERMINATION_LOG": anything,
	"LAMEDUCK_LOG_LEVEL": oneOf("debug", "info", "warn", "error"), "LAMEDUCK_LOG_FORMAT": oneOf("json", "console"),
}

// values say what a variable takes.
type values struct {
	take func(value string) bool
	are  string // such as
}

var (
	anything         = values{func(string) bool { return true }, ""}
	aDuration        = values{isDuration, "a duration that is not negative, as 10s"}
	aDerivedDuration = values{func(v string) bool { return v == "derived" || isDuration(v) && strings.ContainsAny(v, "123456789") }, "a duration above zero, as 90s, or derived"}
	aFactor          = values{isFactor, "a number from 0 to 1000"}
	aCount           = values{isCount, "0 for no bound, or a number above it"}
	aBool            = oneOf("true", "false")
	paths            = values{every(func(p string) bool { return strings.HasPrefix(p, "/") && !strings.ContainsAny(p, "?# ") }), "absolute paths without query, as /healthz"}
	addresses        = values{every(isAddress), "host:port, as my-service.my-namespace:80"}
)

func oneOf(words ...string) values {
	return values{func(v string) bool { return slices.Contains(words, v) }, strings.Join(words, " or ")}
}

// every says whether each member of a list is right.
func every(right func(string) bool) func(string) bool {
	return func(value string) bool {
		for _, v := range list(value) {
			if !right(v) {
				return false
			}
		}
		return true
	}
}

// list returns the members of a list with commas.
func list(value string) []string {
	var members []string
	for m := range strings.SplitSeq(value, ",") {
		if m = strings.TrimSpace(m); m != "" {
			members = append(members, m)
		}
	}
	return members
}

func isDuration(v string) bool {
	d, err := time.ParseDuration(v)
	return err == nil && d >= 0 && d <= maxDuration
}

func isFactor(v string) bool {
	f, err := strconv.ParseFloat(v, 64)
	return err == nil && f >= 0 && f <= 1000
}

func isCount(v string) bool {
	_, err := strconv.ParseUint(v, 10, 31)
	return err == nil
}

func isAddress(v string) bool {
	host, port, err := net.SplitHostPort(v)
	n, portErr := strconv.ParseUint(port, 10, 16)
	return err == nil && portErr == nil && host != "" && n > 0
}

// checkVariable returns an error with the remedy for one that cannot be set.
func checkVariable(name, value string, assigned bool) error {
	takes, known := variables[name]
	switch instead, is := reserved[name]; {
	case !assigned:
		return fmt.Errorf("write NAME=VALUE instead of %s", name)
	case is:
		return fmt.Errorf("%s cannot be set here: %s", name, instead)
	case !known:
		return fmt.Errorf("lameduck has no variable %s: use %s", name, strings.Join(slices.Sorted(maps.Keys(variables)), ", "))
	case !takes.take(value):
		return fmt.Errorf("%s takes %s", name, takes.are)
	}
	return nil
}

// setDuration returns what a variable is set to; 0: it is not, or derived.
func (s *Settings) setDuration(name string) time.Duration {
	d, err := time.ParseDuration(s.Env[name])
	if err != nil {
		return 0
	}
	return d
}
