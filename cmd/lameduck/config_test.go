package main

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lameduck/lifecycle"
	"lameduck/proxy"
)

func mustLoad(t *testing.T, environ ...string) *config {
	t.Helper()
	c, err := loadConfig(environ)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDefaults(t *testing.T) {
	c := mustLoad(t)
	if want := []route{{listen: ":18080", app: "127.0.0.1:8080"}}; !reflect.DeepEqual(c.routes, want) {
		t.Errorf("routes: %v, want %v", c.routes, want)
	}
	if c.Admin != ":18081" || c.Control != "127.0.0.1:18082" {
		t.Errorf("admin %s and control %s, want :18081 and 127.0.0.1:18082", c.Admin, c.Control)
	}
	if want := (lifecycle.Hold{Min: 5 * time.Second, Quiet: 5 * time.Second, Max: 22 * time.Second, Factor: 3}); c.hold != want {
		t.Errorf("hold: %+v, want %+v: Max is 30s - 5s - 3s", c.hold, want)
	}
	if !reflect.DeepEqual(c.agents, proxy.DefaultProbeAgents) || c.ProbePaths != nil || c.HealthPaths != nil {
		t.Errorf("agents %q, probe paths %q, health paths %q, want the known agents and no paths", c.agents, c.ProbePaths, c.HealthPaths)
	}
	if c.HookWindow != 5*time.Second || c.AppWait != 5*time.Second || c.UnreadyAfter != 0 || c.HeaderTimeout != time.Minute {
		t.Errorf("hook window %v, app wait %v, unready after %v, header timeout %v", c.HookWindow, c.AppWait, c.UnreadyAfter, c.HeaderTimeout)
	}
	if c.stopSignal != syscall.SIGTERM || c.MaxConnections != 0 || c.LogLevel != "info" || c.LogFormat != "json" {
		t.Errorf("stop signal %v, max connections %d, log %s %s", c.stopSignal, c.MaxConnections, c.LogLevel, c.LogFormat)
	}
}

func TestEachVariableIsTakenUp(t *testing.T) {
	cert, key := newAuthority(t).issue(t, 1)
	files := newSecret(t, cert, key)
	tests := []struct {
		name    string
		environ string
		is      func(c *config) any
		want    any
	}{
		{"several routes", "ROUTES= 80=8080, [::1]:81=[fd00::1]:8081 ,127.0.0.1:82=app:8082", func(c *config) any { return c.routes },
			[]route{{listen: ":80", app: "127.0.0.1:8080"}, {listen: "[::1]:81", app: "[fd00::1]:8081"}, {listen: "127.0.0.1:82", app: "app:8082"}}},
		{"what routes speak", "ROUTES=80=8080;proto=auto,81=8081;proto=http1,82=8082; proto=h2c ,83=8083;proto=tcp",
			func(c *config) any {
				return []proxy.Protocol{c.routes[0].protocol, c.routes[1].protocol, c.routes[2].protocol, c.routes[3].protocol}
			},
			[]proxy.Protocol{proxy.Auto, proxy.HTTP1, proxy.H2C, proxy.TCP}},
		{"a PROXY protocol header", "ROUTES=80=8080;proxy,81=8081;proto=tcp; proxy,82=8082", func(c *config) any {
			return []bool{c.routes[0].proxied, c.routes[1].proxied && c.routes[1].protocol == proxy.TCP, c.routes[2].proxied}
		}, []bool{true, true, false}},
		{"spread", "TUNNEL_SPREAD=4s", func(c *config) any { return c.spread }, 4 * time.Second},
		{"spread derived", "TUNNEL_SPREAD=derived", func(c *config) any { return c.spread }, 22 * time.Second / 3},
		{"event streams", "END_EVENT_STREAMS=false", func(c *config) any { return c.EndEventStreams }, false},
		{"clients that are kept", "KEEP_CLIENT=true", func(c *config) any { return c.KeepClient }, true},
		{"where TLS ends", "TLS_CERT=" + files.path("tls.crt") + "\nTLS_KEY=" + files.path("tls.key") + "\nROUTES=80=8080,81=8081;passthrough,82=8082;tls", func(c *config) any {
			return []any{c.identity.files, c.routes[0].passthrough, c.routes[1].passthrough, c.routes[1].appTLS, c.routes[2].appTLS}
		}, []any{identityFiles{cert: files.path("tls.crt"), key: files.path("tls.key")}, false, true, false, true}},
		{"the key apart", "TLS_KEY=" + files.path("tls.key") + "\nTLS_CERT=" + files.path("tls.crt"), func(c *config) any { return c.identity.files.key }, files.path("tls.key")},
		{"an authority for clients", "TLS_CLIENT_CA=" + files.path("tls.crt") + "\nTLS_CERT=" + files.path("tls.crt") + "\nTLS_KEY=" + files.path("tls.key"),
			func(c *config) any { return c.identity.files.clientCA }, files.path("tls.crt")},
		{"no TLS", "ROUTES=80=8080", func(c *config) any { return c.identity == nil }, true},
		{"a fallback", "FALLBACK=app.default:80", func(c *config) any { return c.routes[0].fallback }, "app.default:80"},
		{"a fallback for each route", "FALLBACK=app:80, app:81\nROUTES=80=8080,81=8081", func(c *config) any {
			return []string{c.routes[0].fallback, c.routes[1].fallback}
		}, []string{"app:80", "app:81"}},
		{"one port on two addresses", "ROUTES=127.0.0.1:80=8080,127.0.0.2:80=8081", func(c *config) any { return len(c.routes) }, 2},
		{"admin by its port", "ADMIN=9000", func(c *config) any { return c.Admin }, ":9000"},
		{"admin with a host", "ADMIN=10.0.0.1:9000", func(c *config) any { return c.Admin }, "10.0.0.1:9000"},
		{"control by its port", "CONTROL=9001", func(c *config) any { return c.Control }, "127.0.0.1:9001"},
		{"control on the IPv6 loopback address", "CONTROL=[::1]:9001", func(c *config) any { return c.Control }, "[::1]:9001"},
		{"shortest hold", "HOLD_MIN=2s", func(c *config) any { return c.hold.Min }, 2 * time.Second},
		{"no shortest hold", "HOLD_MIN=0s", func(c *config) any { return c.hold.Min }, time.Duration(0)},
		{"silence", "HOLD_QUIET=1500ms", func(c *config) any { return c.hold.Quiet }, 1500 * time.Millisecond},
		{"longest hold", "HOLD_MAX=10s", func(c *config) any { return c.hold.Max }, 10 * time.Second},
		{"longest hold derived", "HOLD_MAX=derived", func(c *config) any { return c.hold.Max }, 22 * time.Second},
		{"silence factor", "SILENCE_FACTOR=2.25", func(c *config) any { return c.hold.Factor }, 2.25},
		{"no silence factor", "SILENCE_FACTOR=0", func(c *config) any { return c.hold.Factor }, 0.0},
		{"grace period", "GRACE_PERIOD=1m", func(c *config) any { return []any{c.GracePeriod, c.hold.Max} }, []any{time.Minute, 52 * time.Second}},
		{"time to stop", "APP_STOP=15s", func(c *config) any { return c.hold.Max }, 12 * time.Second},
		{"hook window", "HOOK_WINDOW=1s", func(c *config) any { return c.HookWindow }, time.Second},
		{"app wait", "APP_WAIT=0s", func(c *config) any { return c.AppWait }, time.Duration(0)},
		{"probe agents", "PROBE_AGENTS=a/, b", func(c *config) any { return c.agents }, []string{"a/", "b"}},
		{"probe agents beside the known", "PROBE_AGENTS=mine/,known", func(c *config) any { return c.agents },
			append([]string{"mine/"}, proxy.DefaultProbeAgents...)},
		{"no probe agents", "PROBE_AGENTS=", func(c *config) any { return len(c.agents) }, 0},
		{"probe paths", "PROBE_PATHS=/healthz, /ready", func(c *config) any { return c.ProbePaths }, []string{"/healthz", "/ready"}},
		{"health paths", "LB_HEALTH_PATHS=/lb,", func(c *config) any { return c.HealthPaths }, []string{"/lb"}},
		{"unready after", "UNREADY_AFTER=3s", func(c *config) any { return c.UnreadyAfter }, 3 * time.Second},
		{"header timeout", "HEADER_TIMEOUT=0s", func(c *config) any { return c.HeaderTimeout }, time.Duration(0)},
		{"connections", "MAX_CONNECTIONS=1000", func(c *config) any { return c.MaxConnections }, 1000},
		{"stop signal", "STOP_SIGNAL=SIGQUIT", func(c *config) any { return c.stopSignal }, syscall.SIGQUIT},
		{"termination log", "TERMINATION_LOG=/tmp/log", func(c *config) any { return c.TerminationLog }, "/tmp/log"},
		{"no termination log", "TERMINATION_LOG=", func(c *config) any { return c.TerminationLog }, ""},
		{"log level", "LOG_LEVEL=debug", func(c *config) any { return c.LogLevel }, "debug"},
		{"log format", "LOG_FORMAT=console", func(c *config) any { return c.LogFormat }, "console"},
		{"nothing is the default", "HOLD_MIN=", func(c *config) any { return c.hold.Min }, 5 * time.Second},
	}
	tested := make(map[string]bool)
	for _, tt := range tests {
		name, _, _ := strings.Cut(tt.environ, "=")
		tested[prefix+name] = true
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.is(mustLoad(t, strings.Split(prefix+strings.ReplaceAll(tt.environ, "\n", "\n"+prefix), "\n")...)); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%s means %v, want %v", tt.environ, got, tt.want)
			}
		})
	}
	for _, name := range variableNames() {
		if !tested[name] {
			t.Errorf("%s is not tested", name)
		}
	}
}

func TestFaultsAreRefused(t *testing.T) {
	noPEM := writeFile(t, "no PEM", 0o600)
	tests := []struct {
		name    string
		environ []string
		want    []string // the beginning of each line of the error, after the variable's prefix
	}{
		{"an unknown variable", []string{"HOLD_MINIMUM=5s"}, []string{"HOLD_MINIMUM=5s: unknown variable"}},
		{"a variable in lower case", []string{"hold_min=5s"}, []string{"hold_min=5s: unknown variable"}},
		{"Min longer than Max", []string{"HOLD_MIN=30s"}, []string{"HOLD_MIN=30s: it is longer than the hold may last (22s)"}},
		{"Min longer than the Max that is set", []string{"HOLD_MIN=3s", "HOLD_QUIET=1s", "HOLD_MAX=2s"}, []string{"HOLD_MIN=3s: it is longer than the hold may last (2s)"}},
		{"Quiet longer than Max", []string{"HOLD_QUIET=30s"}, []string{"HOLD_QUIET=30s: it is longer than the hold may last (22s)"}},
		{"a Max that does not fit the grace period", []string{"HOLD_MAX=23s"}, []string{"HOLD_MAX=23s: it does not fit"}},
		{"a grace period without time to hold", []string{"GRACE_PERIOD=8s"}, []string{"GRACE_PERIOD=8s: there is no time to hold"}},
		{"a Max of nothing", []string{"HOLD_MAX=0s"}, []string{"HOLD_MAX=0s: use a duration above zero"}},
		{"a Max that is no duration", []string{"HOLD_MAX=long"}, []string{"HOLD_MAX=long: use a duration above zero"}},
		{"a duration without unit", []string{"HOLD_MIN=5"}, []string{"HOLD_MIN=5: use a duration with its unit"}},
		{"a negative duration", []string{"HOOK_WINDOW=-1s"}, []string{"HOOK_WINDOW=-1s: use a duration that is not negative"}},
		{"a factor that is no number", []string{"SILENCE_FACTOR=much"}, []string{"SILENCE_FACTOR=much: use a number"}},
		{"a factor that is not a number", []string{"SILENCE_FACTOR=NaN"}, []string{"SILENCE_FACTOR=NaN: use a number from 0 to 1000"}},
		{"a negative factor", []string{"SILENCE_FACTOR=-1"}, []string{"SILENCE_FACTOR=-1: use a number from 0 to 1000"}},
		{"negative connections", []string{"MAX_CONNECTIONS=-1"}, []string{"MAX_CONNECTIONS=-1: use 0 for no bound"}},
		{"connections that are no number", []string{"MAX_CONNECTIONS=many"}, []string{"MAX_CONNECTIONS=many: use a number"}},
		{"two routes on one port", []string{"ROUTES=18080=8080,18080=8081"}, []string{"ROUTES=:18080: LAMEDUCK_ROUTES listens at :18080 already"}},
		{"a route on one address of a port that another has on all", []string{"ROUTES=18080=8080,127.0.0.1:18080=8081"},
			[]string{"ROUTES=127.0.0.1:18080: LAMEDUCK_ROUTES listens at :18080 already"}},
		{"a route at the admin address", []string{"ROUTES=18081=8080"}, []string{"ADMIN=:18081: LAMEDUCK_ROUTES listens at :18081 already"}},
		{"a route at the control address", []string{"ROUTES=18082=8080"}, []string{"CONTROL=127.0.0.1:18082: LAMEDUCK_ROUTES listens at :18082 already"}},
		{"admin and control at one port", []string{"ADMIN=18082"}, []string{"CONTROL=127.0.0.1:18082: LAMEDUCK_ADMIN listens at :18082 already"}},
		{"a control address that is not loopback", []string{"CONTROL=0.0.0.0:18082"}, []string{"CONTROL=0.0.0.0:18082: whoever reaches this address can begin a drain"}},
		{"a control address on all interfaces", []string{"CONTROL=[::]:18082"}, []string{"CONTROL=[::]:18082: whoever reaches this address can begin a drain"}},
		{"a control address by name", []string{"CONTROL=localhost:18082"}, []string{"CONTROL=localhost:18082: whoever reaches this address can begin a drain"}},
		{"a route to itself", []string{"ROUTES=8080=8080"}, []string{"ROUTES=8080=8080: it relays to itself"}},
		{"a route to the control address", []string{"ROUTES=18080=18082"}, []string{"ROUTES=127.0.0.1:18082: LAMEDUCK_CONTROL listens at 127.0.0.1:18082"}},
		{"a route to another route", []string{"ROUTES=18080=18090,18090=8080"}, []string{"ROUTES=127.0.0.1:18090: LAMEDUCK_ROUTES listens at :18090"}},
		{"a route without app", []string{"ROUTES=18080"}, []string{"ROUTES=18080: use listen=app"}},
		{"a route with an option that is none", []string{"ROUTES=80=8080;protocol=tcp"}, []string{`ROUTES=80=8080;protocol=tcp: option "protocol" is unknown: use proxy, passthrough, tls, or proto=auto`}},
		{"a route with a switch that takes no value", []string{"ROUTES=80=8080;proxy=v2"}, []string{`ROUTES=80=8080;proxy=v2: option "proxy" is unknown: use proxy, passthrough, tls, or`}},
		{"a route with a protocol that is none", []string{"ROUTES=80=8080;proto=udp"}, []string{`ROUTES=80=8080;proto=udp: protocol "udp" is unknown: use proto=auto`}},
		{"a spread longer than the hold", []string{"TUNNEL_SPREAD=23s"}, []string{"TUNNEL_SPREAD=23s: it is longer than the hold may last (22s)"}},
		{"a spread that is no duration", []string{"TUNNEL_SPREAD=x"}, []string{"TUNNEL_SPREAD=x: use a duration"}},
		{"a switch that is none", []string{"END_EVENT_STREAMS=maybe"}, []string{"END_EVENT_STREAMS=maybe: use true or false"}},
		{"a certificate without its key", []string{"TLS_CERT=/nowhere/tls.crt"}, []string{"TLS_KEY=: name the file with the private key of LAMEDUCK_TLS_CERT too"}},
		{"a key without its certificate", []string{"TLS_KEY=/nowhere/tls.key"}, []string{"TLS_CERT=: name the file with the certificate too"}},
		{"an authority without a certificate", []string{"TLS_CLIENT_CA=/nowhere/ca.crt"}, []string{"TLS_CERT=: name the file with the certificate too"}},
		{"a certificate that is not there", []string{"TLS_CERT=/nowhere/tls.crt", "TLS_KEY=/nowhere/tls.key"}, []string{"TLS_CERT=/nowhere/tls.crt: open /nowhere/tls.crt: no such file or directory: use readable files"}},
		{"a certificate that is none", []string{"TLS_CERT=" + noPEM, "TLS_KEY=" + noPEM}, []string{"TLS_CERT=" + noPEM + ": " + noPEM + " and " + noPEM}},
		{"TLS towards the app alone", []string{"ROUTES=80=8080;tls"}, []string{"ROUTES=:80=127.0.0.1:8080: tls is for routes whose clients' TLS ends here"}},
		{"TLS towards an app elsewhere", []string{"ROUTES=80=app:8080;tls"}, []string{"ROUTES=80=app:8080;tls: the app's certificate is not verified"}},
		{"TLS that passes and begins anew", []string{"ROUTES=80=8080;tls;passthrough"}, []string{"ROUTES=80=8080;tls;passthrough: tls and passthrough exclude each other"}},
		{"a fallback without a port", []string{"FALLBACK=app"}, []string{"FALLBACK=app: use host:port"}},
		{"a fallback without a host", []string{"FALLBACK=:80"}, []string{"FALLBACK=:80: use host:port"}},
		{"a fallback with a port that has a name", []string{"FALLBACK=app:http"}, []string{"FALLBACK=app:http: use host:port"}},
		{"a fallback that leads back", []string{"FALLBACK=127.0.0.1:18080"}, []string{"FALLBACK=127.0.0.1:18080: it leads back to the route itself"}},
		{"fewer fallbacks than routes", []string{"ROUTES=80=8080,81=8081", "FALLBACK=app:80"}, []string{"FALLBACK=app:80: there are 2 routes"}},
		{"a route to port 0", []string{"ROUTES=18080=0"}, []string{"ROUTES=18080=0: app port 0 cannot be dialled"}},
		{"a route with a port that is none", []string{"ROUTES=18080=http"}, []string{`ROUTES=18080=http: "http" is not [host:]port`}},
		{"a port that is too high", []string{"ROUTES=65536=8080"}, []string{`ROUTES=65536=8080: "65536" is not [host:]port`}},
		{"an IPv6 address without brackets", []string{"ROUTES=::1:80=8080"}, []string{`ROUTES=::1:80=8080: "::1:80" is not [host:]port`}},
		{"an admin address that is none", []string{"ADMIN=localhost"}, []string{`ADMIN=localhost: "localhost" is not [host:]port`}},
		{"a control address that is none", []string{"CONTROL=localhost"}, []string{`CONTROL=localhost: "localhost" is not [host:]port`}},
		{"a probe path that is not absolute", []string{"PROBE_PATHS=healthz"}, []string{"PROBE_PATHS=healthz: use absolute paths"}},
		{"a health path with a query", []string{"LB_HEALTH_PATHS=/lb?deep"}, []string{"LB_HEALTH_PATHS=/lb?deep: use absolute paths"}},
		{"a signal that is none", []string{"STOP_SIGNAL=TERM"}, []string{"STOP_SIGNAL=TERM: use a signal's name"}},
		{"a signal that nobody can take", []string{"STOP_SIGNAL=SIGKILL"}, []string{"STOP_SIGNAL=SIGKILL: use a signal that a process can take"}},
		{"a log level that is none", []string{"LOG_LEVEL=loud"}, []string{"LOG_LEVEL=loud: use debug, info, warn or error"}},
		{"a log format that is none", []string{"LOG_FORMAT=xml"}, []string{"LOG_FORMAT=xml: use json or console"}},
		{"several at once", []string{"HOLD_MIN=1h", "APP_WAIT=soon", "ROUTES=x", "CONTROL=10.0.0.1:1", "MISSPELT=1", "LOG_FORMAT=xml"}, []string{
			"APP_WAIT=soon: use a duration with its unit",
			"CONTROL=10.0.0.1:1: whoever reaches this address can begin a drain",
			"HOLD_MIN=1h0m0s: it is longer than the hold may last (22s)",
			"LOG_FORMAT=xml: use json or console",
			"MISSPELT=1: unknown variable",
			"ROUTES=x: use listen=app",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var environ []string
			for _, e := range tt.environ {
				environ = append(environ, prefix+e)
			}
			_, err := loadConfig(environ)
			wantFaults(t, err, tt.want)
		})
	}
}

// wantFaults compares the beginnings of the lines of an error: all faults, and no other.
func wantFaults(t *testing.T, err error, want []string) {
	t.Helper()
	if _, ok := err.(usageError); !ok {
		t.Fatalf("error %v, want a usage error with %q", err, want)
	}
	lines := strings.Split(err.Error(), "\n")[1:]
	if len(lines) != len(want) {
		t.Fatalf("%d faults, want %d:\n%v", len(lines), len(want), err)
	}
	for i, w := range want {
		if !strings.HasPrefix(lines[i], "  "+prefix+w) {
			t.Errorf("fault %q, want one that begins with %q", lines[i], prefix+w)
		}
	}
}

// A kubelet describes every Service of the namespace to every container; one that is called lameduck has our prefix.
func TestServiceLinksAreNoFault(t *testing.T) {
	mustLoad(t,
		"LAMEDUCK_SERVICE_HOST=10.0.0.10",
		"LAMEDUCK_SERVICE_PORT=80",
		"LAMEDUCK_SERVICE_PORT_HTTP=80",
		"LAMEDUCK_PORT=tcp://10.0.0.10:80",
		"LAMEDUCK_PORT_80_TCP=tcp://10.0.0.10:80",
		"LAMEDUCK_PORT_80_TCP_PROTO=tcp",
		"LAMEDUCK_PORT_80_TCP_PORT=80",
		"LAMEDUCK_PORT_80_TCP_ADDR=10.0.0.10",
		"LAMEDUCK_PORT_53_UDP_ADDR=10.0.0.10",
		"LAMEDUCK_WEBHOOK_SERVICE_HOST=10.0.0.11",
		"LAMEDUCK_WEBHOOK_SERVICE_PORT=443",
		"LAMEDUCK_WEBHOOK_PORT_443_TCP_ADDR=10.0.0.11",
		"OTHER_VARIABLE=1",
		"PATH=/bin",
	)
}

func TestHelpHasTheTableOfVariables(t *testing.T) {
	documented := helpTable(t)
	for f := range reflect.TypeFor[variables]().Fields() {
		name := prefix + f.Tag.Get("env")
		if f.Tag.Get("help") == "" {
			t.Errorf("%s has no help", name)
		}
		if documented[name] != defaultOf(f) {
			t.Errorf("--help gives %q as the default of %s, want %q", documented[name], name, defaultOf(f))
		}
	}
}

func TestDocsHaveTheTableOfHelp(t *testing.T) {
	want, got := helpTable(t), docsTable(t, "configuration.md", prefix)
	for name, value := range want {
		if given, ok := got[name]; !ok {
			t.Errorf("docs/configuration.md does not have %s", name)
		} else if given != value {
			t.Errorf("docs/configuration.md gives %q as the default of %s, --help %q", given, name, value)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("docs/configuration.md has %s, --help does not", name)
		}
	}
}

// helpTable returns the defaults of the variables by their names, as --help gives them.
func helpTable(t *testing.T) map[string]string {
	t.Helper()
	var out strings.Builder
	if code := run([]string{"--help"}, nil, &out, &out); code != exitOK {
		t.Fatalf("--help ends with %d", code)
	}
	table := make(map[string]string)
	for l := range strings.Lines(out.String()) {
		if columns := strings.Fields(l); len(columns) > 2 && strings.HasPrefix(columns[0], prefix) {
			table[columns[0]] = columns[1]
		}
	}
	if len(table) != len(variableNames()) {
		t.Fatalf("--help has %d variables, want %d", len(table), len(variableNames()))
	}
	return table
}

// docsTable returns the second column of a page's tables by the first one, of the rows whose first
// column starts with prefix. Backquotes are removed.
func docsTable(t *testing.T, page, prefix string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	table := make(map[string]string)
	for l := range strings.Lines(string(text)) {
		columns := strings.Split(strings.TrimSpace(l), "|")
		if len(columns) < 4 {
			continue
		}
		name := strings.Trim(columns[1], " `")
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		if _, twice := table[name]; twice {
			t.Errorf("docs/%s has %s twice", page, name)
		}
		table[name] = strings.Trim(columns[2], " `")
	}
	return table
}

func TestUsage(t *testing.T) {
	tests := []struct {
		name    string
		args    []string
		environ []string
		code    int
		says    string
	}{
		{"the version", []string{"version"}, nil, exitOK, "lameduck "},
		{"the version with an argument", []string{"version", "x"}, nil, exitUsage, `unexpected argument "x"`},
		{"help", []string{"help"}, nil, exitOK, "lameduck exec -- COMMAND"},
		{"a subcommand that is none", []string{"run"}, nil, exitUsage, `unknown subcommand "run": use serve, exec, drain, install or version`},
		{"serve with an argument", []string{"serve", "x"}, nil, exitUsage, `unexpected argument "x"`},
		{"serve with a fault", []string{"serve"}, []string{"LAMEDUCK_HOLD_MIN=x"}, exitUsage, "LAMEDUCK_HOLD_MIN=x"},
		{"no subcommand with a fault", nil, []string{"LAMEDUCK_HOLD_MIN=x"}, exitUsage, "LAMEDUCK_HOLD_MIN=x"},
		{"drain with a flag that is none", []string{"drain", "--now"}, nil, exitUsage, "drain takes --wait and --native"},
		{"drain with a fault", []string{"drain"}, []string{"LAMEDUCK_CONTROL=x"}, exitUsage, "LAMEDUCK_CONTROL=x"},
		{"exec without command", []string{"exec"}, nil, exitUsage, "exec needs a command"},
		{"exec without command after the dashes", []string{"exec", "--"}, nil, exitUsage, "exec needs a command"},
		{"exec with a fault", []string{"exec", "--", "true"}, []string{"LAMEDUCK_HOLD_MIN=x"}, exitUsage, "LAMEDUCK_HOLD_MIN=x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			if code := run(tt.args, tt.environ, &out, &out); code != tt.code || !strings.Contains(out.String(), tt.says) {
				t.Errorf("exit code %d, want %d, and %q in:\n%s", code, tt.code, tt.says, out.String())
			}
		})
	}
}

func TestVariablesHaveNamesOfTheirOwn(t *testing.T) {
	names := variableNames()
	slices.Sort(names)
	if unique := slices.Compact(slices.Clone(names)); len(unique) != len(names) {
		t.Errorf("a name is there twice: %q", names)
	}
}
