package config

import (
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caarlos0/env/v11"
)

// Prefix begins the name of every variable.
const Prefix = "LAMEDUCK_"

// Derived marks a duration that is not set and is derived from others. Only Read returns it.
const Derived = time.Duration(-1)

// A Config is a configuration. Every field belongs to the variable of the same name.
type Config struct {
	Routes         []Route // each with its Fallback
	Observe        []uint16
	ObserveProbes  []Probe
	HostIP         netip.Addr // of the node; the zero value means that it is not known
	Admin, Control string     // host:port

	HoldMin, HoldQuiet, HoldMax time.Duration
	HoldRisk, HoldEscalation    float64
	LBDelay                     time.Duration
	GracePeriod, AppStop        time.Duration
	TunnelSpread                time.Duration
	EndEventStreams             bool

	HookWindow    time.Duration
	UnreadyAfter  time.Duration
	AppWait       time.Duration
	HeaderTimeout time.Duration // zero means no limit

	KeepClient     bool
	MaxHeaderSize  int // bytes
	MaxConnections int // zero means as many as the limit of open files allows

	SlowClientMemory int // bytes; zero means a part of the memory limit

	TLSCert, TLSKey, TLSClientCA string // paths; all empty if Lameduck does not terminate TLS

	ProbeAgents, ProbePaths, HealthPaths []string // "known" in ProbeAgents means the known agents

	StopSignal     string // such as SIGTERM
	TerminationLog string // path; empty means none
	LogLevel       string // in lower case
	LogFormat      string

	fallbacks []string // of the routes, in their order
}

// Parse reads the configuration from the variables of an environment, by their names. Variables
// without the prefix are ignored. The error is of type Problems and has every problem at once. The
// configuration is never nil: the default replaces a value that is invalid, and a list of routes or
// paths has those that are valid.
func Parse(variables map[string]string) (*Config, error) {
	c, problems := read(variables)
	r := &resolver{Config: c, variables: variables, unread: problems, problems: slices.Clone(problems)}
	r.resolve()
	return c, r.problems.sorted().err()
}

// Read reads every variable by itself. Unlike Parse it neither compares variables with each other
// nor replaces Derived, so it is useful where some of the variables are unknown.
func Read(variables map[string]string) (*Config, error) {
	c, problems := read(variables)
	return c, problems.sorted().err()
}

// Check returns the problems of a single variable.
func Check(name, value string) error {
	_, err := Read(map[string]string{name: value})
	return err
}

// ToMap returns the variables of an environment in the form of os.Environ.
func ToMap(environ []string) map[string]string { return env.ToMap(environ) }

func read(variables map[string]string) (*Config, Problems) {
	c := new(Config)
	problems := unknownVariables(variables)
	values := load(variables)
	for i, v := range table {
		_ = v.set(c, v.Default) // a test reads every default
		if err := v.set(c, values[i]); err != nil {
			problems.add(v.Name, err)
		}
	}
	return c, problems
}

// serviceLink matches the variables that a kubelet sets for each Service of the namespace
// (enableServiceLinks). Those of a Service called lameduck, or lameduck-something, have the prefix.
var serviceLink = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(
		`^LAMEDUCK_(.+_)?(SERVICE_(HOST|PORT(_.+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)
})

const unknown = "unknown variable (lameduck --help lists the known ones)"

// unknownVariables reports unknown variables with the prefix, because a misspelled one must not be
// ignored. Errors do not have the values, which may be secrets.
func unknownVariables(variables map[string]string) Problems {
	var problems Problems
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if strings.HasPrefix(name, Prefix) && !IsKnown(name) && !serviceLink().MatchString(name) {
			problems = append(problems, Problem{name, unknown})
		}
	}
	return problems
}
