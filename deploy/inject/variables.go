package inject

import (
	"fmt"
	"slices"
	"strings"
)

// The variables that Inject sets itself.
const (
	routesVariable  = "LAMEDUCK_ROUTES"
	graceVariable   = "LAMEDUCK_GRACE_PERIOD"
	appStopVariable = "LAMEDUCK_APP_STOP"
)

// reserved are those that would part the sidecar from what Inject has done to the pod, each with what to say instead.
var reserved = map[string]string{
	routesVariable:     "say lameduck.dev/ports",
	graceVariable:      "say lameduck.dev/grace-period",
	appStopVariable:    "say lameduck.dev/app-stop",
	"LAMEDUCK_ADMIN":   "hooks and probes go to port 18081",
	"LAMEDUCK_CONTROL": "the preStop hook goes to port 18082",
}

// variables are the others that Lameduck knows. A test compares them with the README.
var variables = []string{
	"LAMEDUCK_HOLD_MIN", "LAMEDUCK_HOLD_QUIET", "LAMEDUCK_HOLD_MAX", "LAMEDUCK_SILENCE_FACTOR", "LAMEDUCK_TUNNEL_SPREAD",
	"LAMEDUCK_END_EVENT_STREAMS", "LAMEDUCK_HOOK_WINDOW", "LAMEDUCK_APP_WAIT", "LAMEDUCK_KEEP_CLIENT", "LAMEDUCK_TLS_CERT", "LAMEDUCK_TLS_KEY",
	"LAMEDUCK_TLS_CLIENT_CA", "LAMEDUCK_FALLBACK", "LAMEDUCK_PROBE_AGENTS", "LAMEDUCK_PROBE_PATHS", "LAMEDUCK_LB_HEALTH_PATHS", "LAMEDUCK_UNREADY_AFTER",
	"LAMEDUCK_HEADER_TIMEOUT", "LAMEDUCK_MAX_CONNECTIONS", "LAMEDUCK_STOP_SIGNAL", "LAMEDUCK_TERMINATION_LOG", "LAMEDUCK_LOG_LEVEL", "LAMEDUCK_LOG_FORMAT",
}

// knownVariable returns an error with the remedy for one that cannot be set.
func knownVariable(name string, assigned bool) error {
	switch instead, is := reserved[name]; {
	case !assigned:
		return fmt.Errorf("write NAME=VALUE instead of %s", name)
	case is:
		return fmt.Errorf("%s is set by the injection: %s", name, instead)
	case !slices.Contains(variables, name):
		return fmt.Errorf("lameduck has no variable %s: use %s", name, strings.Join(variables, ", "))
	}
	return nil
}
