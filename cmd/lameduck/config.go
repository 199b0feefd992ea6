package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"sort"
	"strings"
	"syscall"
	"time"

	"github.com/caarlos0/env/v11"
	"golang.org/x/sys/unix"

	"lameduck/lifecycle"
	"lameduck/proxy"
)

const prefix = "LAMEDUCK_"

// variables are the environment variables as they are written. The tag help is what --help and the README say.
type variables struct {
	Routes          string        `env:"ROUTES" envDefault:"18080=8080" help:"comma-separated listen=app[;proto=auto|http1|h2c|tcp][;proxy][;passthrough][;tls], each [host:]port; listen host: all interfaces; app host: 127.0.0.1; proxy: clients begin with a PROXY protocol header, which the app gets; passthrough: TLS does not end here; tls: it begins anew towards the app"`
	Admin           string        `env:"ADMIN" envDefault:":18081" help:"address of /livez /readyz /metrics /hold, reachable on the pod's IP"`
	Control         string        `env:"CONTROL" envDefault:"127.0.0.1:18082" help:"address of POST /drain and GET /status; loopback only"`
	HoldMin         time.Duration `env:"HOLD_MIN" envDefault:"5s" help:"the hold lasts at least this long; what a pod with no traffic needs"`
	HoldQuiet       time.Duration `env:"HOLD_QUIET" envDefault:"5s" help:"the shortest silence that is required of every source"`
	HoldMax         string        `env:"HOLD_MAX" envDefault:"derived" help:"the hold lasts at most this long; derived: grace period - app stop - 3s"`
	SilenceFactor   float64       `env:"SILENCE_FACTOR" envDefault:"3" help:"required silence of a source, as a multiple of its longest recent gap; 0: Quiet alone"`
	GracePeriod     time.Duration `env:"GRACE_PERIOD" envDefault:"30s" help:"the pod's terminationGracePeriodSeconds"`
	AppStop         time.Duration `env:"APP_STOP" envDefault:"5s" help:"what the app needs to stop"`
	TunnelSpread    string        `env:"TUNNEL_SPREAD" envDefault:"derived" help:"time over which WebSocket connections and event streams are told to leave; derived: a third of the hold's maximum"`
	EndEventStreams bool          `env:"END_EVENT_STREAMS" envDefault:"true" help:"end server-sent event streams between two events while draining; false: they last until the hold's maximum"`
	HookWindow      time.Duration `env:"HOOK_WINDOW" envDefault:"5s" help:"how long /hold waits for a drain to begin before it takes itself for a container restart"`
	AppWait         time.Duration `env:"APP_WAIT" envDefault:"5s" help:"how long a new connection waits for the app to accept"`
	KeepClient      bool          `env:"KEEP_CLIENT" envDefault:"false" help:"keep the client's connection when the app closes an idle one, and dial the app again with the next request; a request that meets the app's close unanswered is sent again, once, if it is idempotent; not on routes with proxy or tls"`
	TLSCert         string        `env:"TLS_CERT" help:"file with the certificate chain in PEM: the clients' TLS ends here; empty: it is passed on as it comes"`
	TLSKey          string        `env:"TLS_KEY" help:"file with its private key in PEM"`
	TLSClientCA     string        `env:"TLS_CLIENT_CA" help:"file with the authorities in PEM of which clients need a certificate; empty: they need none"`
	Fallback        []string      `env:"FALLBACK" help:"host:port of the app's own Service, to which new connections go while draining once the app has ended by itself; with several routes one for each, comma-separated; empty: they are refused"`
	ProbeAgents     []string      `env:"PROBE_AGENTS" envDefault:"known" help:"comma-separated beginnings of User-Agent values that mark health probes; known: the known probers; empty: none"`
	ProbePaths      []string      `env:"PROBE_PATHS" help:"comma-separated paths that mark health probes"`
	HealthPaths     []string      `env:"LB_HEALTH_PATHS" help:"comma-separated paths that are answered 503 while draining, so that the load balancer leaves sooner"`
	UnreadyAfter    time.Duration `env:"UNREADY_AFTER" envDefault:"0s" help:"when /readyz turns 503 in a drain; 0: not before Drained"`
	HeaderTimeout   time.Duration `env:"HEADER_TIMEOUT" envDefault:"60s" help:"how long the head of a request may take once it has begun; 0: for ever"`
	MaxConnections  int           `env:"MAX_CONNECTIONS" envDefault:"0" help:"client connections at a time, more wait; 0: no bound"`
	StopSignal      string        `env:"STOP_SIGNAL" envDefault:"SIGTERM" help:"exec: the signal that begins the drain and that the child gets when the hold has ended"`
	TerminationLog  string        `env:"TERMINATION_LOG" envDefault:"/dev/termination-log" help:"file for the drain's story; the default only if it is there; empty: none"`
	LogLevel        string        `env:"LOG_LEVEL" envDefault:"info" help:"debug, info, warn or error"`
	LogFormat       string        `env:"LOG_FORMAT" envDefault:"json" help:"json, or console for people"`
}

// A config is what the variables mean.
type config struct {
	variables
	routes     []route
	hold       lifecycle.Hold
	spread     time.Duration
	stopSignal syscall.Signal
	agents     []string
	identity   *identity // nil: TLS is passed on as it comes
}

// margin is kept free at the end of the grace period for the connections and the story to end.
const margin = 3 * time.Second

// loadConfig reads the configuration from an environment. The error has every fault at once, each with the variable, its value
// and the remedy.
func loadConfig(environ []string) (*config, error) {
	environment := env.ToMap(environ)
	c := &config{}
	var faults faults
	faults.addUnknown(environment)
	set := present(environment)
	for faults.addParse(set, c.parse(set)) {
		// Once more, with defaults in the place of what could not be parsed: the rest may be at fault too.
	}
	c.keepEmpty(environment)
	c.resolve(&faults)
	return c, faults.err()
}

func (c *config) parse(set map[string]string) error {
	return env.ParseWithOptions(&c.variables, env.Options{Prefix: prefix, Environment: set})
}

// present leaves out variables that are set to nothing: for them the default counts. Where nothing means none, keepEmpty
// says so.
func present(environment map[string]string) map[string]string {
	m := make(map[string]string)
	for k, v := range environment {
		if strings.HasPrefix(k, prefix) && v != "" {
			m[k] = v
		}
	}
	return m
}

// keepEmpty takes an empty value for none in the variables that have a default and may be empty.
func (c *config) keepEmpty(environment map[string]string) {
	empty := func(name string) bool {
		v, ok := environment[prefix+name]
		return ok && v == ""
	}
	if empty("PROBE_AGENTS") {
		c.ProbeAgents = nil
	}
	if empty("TERMINATION_LOG") {
		c.TerminationLog = ""
	}
}

// resolve turns the variables into what they mean.
func (c *config) resolve(faults *faults) {
	c.resolveRoutes(faults)
	c.resolveFallback(faults)
	c.resolveTLS(faults)
	c.resolveHold(faults)
	c.resolveAddresses(faults)
	c.resolveProbes(faults)
	c.checkRest(faults)
	if c.stopSignal = unix.SignalNum(c.StopSignal); c.stopSignal == 0 {
		faults.add("STOP_SIGNAL", c.StopSignal, "use a signal's name, such as SIGTERM, SIGQUIT or SIGWINCH")
	} else if c.stopSignal == syscall.SIGKILL || c.stopSignal == syscall.SIGSTOP {
		faults.add("STOP_SIGNAL", c.StopSignal, "use a signal that a process can take")
	}
	if environmentDefault := "/dev/termination-log"; c.TerminationLog == environmentDefault {
		if _, err := os.Stat(c.TerminationLog); err != nil {
			c.TerminationLog = ""
		}
	}
}

// resolveTLS reads the identity, and looks for routes that make no sense with it or without.
func (c *config) resolveTLS(faults *faults) {
	switch {
	case c.TLSCert == "" && c.TLSKey == "" && c.TLSClientCA == "":
	case c.TLSCert == "":
		faults.add("TLS_CERT", c.TLSCert, "name the file with the certificate too, or leave the other LAMEDUCK_TLS variables out")
	case c.TLSKey == "":
		faults.add("TLS_KEY", c.TLSKey, "name the file with the private key of LAMEDUCK_TLS_CERT too")
	default:
		var err error
		if c.identity, err = loadIdentity(identityFiles{c.TLSCert, c.TLSKey, c.TLSClientCA}); err != nil {
			faults.add("TLS_CERT", c.TLSCert, fmt.Sprintf("%v: use readable files in PEM that belong together", err))
		}
	}
	for _, r := range c.routes {
		if r.appTLS && c.TLSCert == "" {
			faults.add("ROUTES", r.listen+"="+r.app, "tls is for routes whose clients' TLS ends here: set LAMEDUCK_TLS_CERT and LAMEDUCK_TLS_KEY too, or leave it out")
		}
	}
}

func (c *config) resolveHold(faults *faults) {
	maximum := c.GracePeriod - c.AppStop - margin
	remedy := fmt.Sprintf("make LAMEDUCK_GRACE_PERIOD (%v) and the pod's terminationGracePeriodSeconds longer, or LAMEDUCK_APP_STOP (%v) shorter: the hold ends %v before both are over",
		c.GracePeriod, c.AppStop, margin)
	c.hold = lifecycle.Hold{Min: c.HoldMin, Quiet: c.HoldQuiet, Max: maximum, Factor: c.SilenceFactor}
	if c.HoldMax == "derived" {
		if maximum <= 0 {
			faults.add("GRACE_PERIOD", c.GracePeriod, "there is no time to hold: "+remedy)
			return
		}
	} else if d, err := time.ParseDuration(c.HoldMax); err != nil || d <= 0 {
		faults.add("HOLD_MAX", c.HoldMax, "use a duration above zero such as 90s, or leave it to be derived")
		return
	} else if c.hold.Max = d; d > maximum {
		faults.add("HOLD_MAX", d, "it does not fit: "+remedy)
	}
	c.resolveSpread(faults)
	if c.HoldMin > c.hold.Max {
		faults.add("HOLD_MIN", c.HoldMin, fmt.Sprintf("it is longer than the hold may last (%v): shorten it, or %s", c.hold.Max, remedy))
	}
	if c.HoldQuiet > c.hold.Max {
		faults.add("HOLD_QUIET", c.HoldQuiet, fmt.Sprintf("it is longer than the hold may last (%v): shorten it, or %s", c.hold.Max, remedy))
	}
}

// resolveSpread leaves those that are told last two thirds of the hold to go.
func (c *config) resolveSpread(faults *faults) {
	c.spread = c.hold.Max / 3
	if c.TunnelSpread == "derived" {
		return
	}
	d, err := time.ParseDuration(c.TunnelSpread)
	switch {
	case err != nil || d < 0:
		faults.add("TUNNEL_SPREAD", c.TunnelSpread, "use a duration such as 10s, or leave it to be derived")
	case d > c.hold.Max:
		faults.add("TUNNEL_SPREAD", d, fmt.Sprintf("it is longer than the hold may last (%v): shorten it", c.hold.Max))
	default:
		c.spread = d
	}
}

func (c *config) resolveProbes(faults *faults) {
	for _, a := range trimmed(c.ProbeAgents) {
		if a == "known" {
			c.agents = append(c.agents, proxy.DefaultProbeAgents...)
		} else {
			c.agents = append(c.agents, a)
		}
	}
	c.ProbePaths, c.HealthPaths = trimmed(c.ProbePaths), trimmed(c.HealthPaths)
	checkPaths := func(name string, paths []string) {
		for _, p := range paths {
			if !strings.HasPrefix(p, "/") || strings.ContainsAny(p, "?# ") {
				faults.add(name, p, "use absolute paths without query, such as /healthz")
			}
		}
	}
	checkPaths("PROBE_PATHS", c.ProbePaths)
	checkPaths("LB_HEALTH_PATHS", c.HealthPaths)
}

// trimmed takes white space off list members and drops empty ones.
func trimmed(list []string) []string {
	var out []string
	for _, s := range list {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func (c *config) checkRest(faults *faults) {
	for name, d := range map[string]time.Duration{
		"HOLD_MIN": c.HoldMin, "HOLD_QUIET": c.HoldQuiet, "GRACE_PERIOD": c.GracePeriod, "APP_STOP": c.AppStop,
		"HOOK_WINDOW": c.HookWindow, "APP_WAIT": c.AppWait, "UNREADY_AFTER": c.UnreadyAfter, "HEADER_TIMEOUT": c.HeaderTimeout,
	} {
		if d < 0 {
			faults.add(name, d, "use a duration that is not negative")
		}
	}
	if !(c.SilenceFactor >= 0) || c.SilenceFactor > 1000 {
		faults.add("SILENCE_FACTOR", c.SilenceFactor, "use a number from 0 to 1000")
	}
	if c.MaxConnections < 0 {
		faults.add("MAX_CONNECTIONS", c.MaxConnections, "use 0 for no bound, or a number above it")
	}
	if _, err := newLevel(c.LogLevel); err != nil {
		faults.add("LOG_LEVEL", c.LogLevel, "use debug, info, warn or error")
	}
	if c.LogFormat != "json" && c.LogFormat != "console" {
		faults.add("LOG_FORMAT", c.LogFormat, "use json or console")
	}
}

// faults are everything that is wrong with a configuration.
type faults []string

func (f *faults) add(name string, value any, remedy string) {
	*f = append(*f, fmt.Sprintf("%s%s=%v: %s", prefix, name, value, remedy))
}

func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	sort.Strings(f)
	return usageError("configuration refused:\n  " + strings.Join(f, "\n  "))
}

// serviceLink matches the variables that a kubelet sets for the Services of a namespace (enableServiceLinks): for one called
// lameduck, or lameduck-something, they have our prefix.
var serviceLink = regexp.MustCompile(`^LAMEDUCK_(.+_)?(SERVICE_(HOST|PORT(_.+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// addUnknown finds variables with our prefix that mean nothing: misspelt ones would be ignored otherwise.
func (f *faults) addUnknown(environment map[string]string) {
	known := make(map[string]bool)
	for _, name := range variableNames() {
		known[name] = true
	}
	for name, value := range environment {
		if strings.HasPrefix(name, prefix) && !known[name] && !serviceLink.MatchString(name) {
			f.add(strings.TrimPrefix(name, prefix), value, "unknown variable: lameduck --help lists those that there are")
		}
	}
}

// addParse takes up what the library could not parse, and takes it out of the variables that are set. True: that was
// something.
func (f *faults) addParse(set map[string]string, err error) bool {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return false
	}
	found := false
	for _, e := range all.Errors {
		var parse env.ParseError
		if !errors.As(e, &parse) {
			*f = append(*f, e.Error())
			continue
		}
		field, _ := reflect.TypeFor[variables]().FieldByName(parse.Name)
		name := field.Tag.Get("env")
		f.add(name, set[prefix+name], parseRemedy(parse.Type))
		delete(set, prefix+name)
		found = true
	}
	return found
}

func parseRemedy(t reflect.Type) string {
	if t == reflect.TypeFor[time.Duration]() {
		return "use a duration with its unit, such as 500ms, 30s or 2m"
	}
	if t == reflect.TypeFor[bool]() {
		return "use true or false"
	}
	return "use a number"
}

// variableNames are the names of all variables, in the order of the table.
func variableNames() []string {
	var names []string
	for f := range reflect.TypeFor[variables]().Fields() {
		names = append(names, prefix+f.Tag.Get("env"))
	}
	return names
}
