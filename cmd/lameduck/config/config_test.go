package config

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// variables returns an environment from lines such as HOLD_MIN=5s.
func variables(lines ...string) map[string]string {
	var environ []string
	for _, l := range lines {
		environ = append(environ, Prefix+l)
	}
	return ToMap(environ)
}

func mustParse(t *testing.T, lines ...string) *Config {
	t.Helper()
	c, err := Parse(variables(lines...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestParse_Defaults(t *testing.T) {
	want := &Config{
		Routes: []Route{{Listen: ":18080", App: "127.0.0.1:8080", AnyHost: true, Protocol: Auto}},
		Admin:  ":18081", Control: "127.0.0.1:18082",
		HoldMin: 5 * time.Second, HoldQuiet: 5 * time.Second, HoldMax: 22 * time.Second, // 30s - 5s - 3s
		HoldRisk: 0.01, HoldEscalation: 0.33, LBDelay: 11 * time.Second, GracePeriod: 30 * time.Second, AppStop: 5 * time.Second,
		TunnelSpread: 22 * time.Second / 3, EndEventStreams: true,
		HookWindow: 5 * time.Second, AppWait: 5 * time.Second, HeaderTimeout: time.Minute, MaxHeaderSize: 64 << 10,
		ProbeAgents: []string{"known"}, StopSignal: "SIGTERM", TerminationLog: "/dev/termination-log",
		LogLevel: "info", LogFormat: "json",
	}
	if got := mustParse(t); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestParse_EveryVariable(t *testing.T) {
	routes := func(field func(Route) any) func(*Config) any {
		return func(c *Config) any {
			var all []any
			for _, r := range c.Routes {
				all = append(all, field(r))
			}
			return all
		}
	}
	tests := []struct {
		name  string
		lines string // separated by |
		field func(c *Config) any
		want  any
	}{
		{"several routes", "ROUTES= 80=8080, [::1]:81=[fd00::1]:8081 ,127.0.0.1:82=my_app.ns:8082", routes(func(r Route) any { return r.String() }),
			[]any{":80=127.0.0.1:8080", "[::1]:81=[fd00::1]:8081", "127.0.0.1:82=my_app.ns:8082"}},
		{"protocols", "ROUTES=80=8080;proto=auto,81=8081;proto=http1,82=8082; proto=h2c ,83=8083;proto=tcp,84=8084",
			routes(func(r Route) any { return r.Protocol }), []any{Auto, HTTP1, H2C, TCP, Auto}},
		{"PROXY protocol", "ROUTES=80=8080;proxy,81=8081;proto=tcp; proxy,82=8082", routes(func(r Route) any { return r.ProxyProtocol }), []any{true, true, false}},
		{"passthrough", "ROUTES=80=8080,81=8081;passthrough|TLS_CERT=/c|TLS_KEY=/k", routes(func(r Route) any { return r.Passthrough }), []any{false, true}},
		{"TLS to the app", "ROUTES=80=8080,81=8081;tls|TLS_CERT=/c|TLS_KEY=/k", routes(func(r Route) any { return r.AppTLS }), []any{false, true}},
		{"certificate", "TLS_CERT=/c|TLS_KEY=/k", func(c *Config) any { return c.TLSCert }, "/c"},
		{"key", "TLS_KEY=/k|TLS_CERT=/c", func(c *Config) any { return c.TLSKey }, "/k"},
		{"CA of clients", "TLS_CLIENT_CA=/ca|TLS_CERT=/c|TLS_KEY=/k", func(c *Config) any { return c.TLSClientCA }, "/ca"},
		{"an app without a host", "ROUTES=80=8080,81=:8081,82=127.0.0.1:8082,83=localhost:8083,84=[::1]:8084,85=takeover",
			routes(func(r Route) any { return r.AnyHost }), []any{true, true, false, false, false, false}},
		{"fallback", "FALLBACK=app.default:80", routes(func(r Route) any { return r.Fallback }), []any{"app.default:80"}},
		{"fallback of each route", "FALLBACK=app:80, app:81|ROUTES=80=8080,81=8081", routes(func(r Route) any { return r.Fallback }), []any{"app:80", "app:81"}},
		{"one port on two addresses", "ROUTES=127.0.0.1:80=8080,127.0.0.2:80=8081", func(c *Config) any { return len(c.Routes) }, 2},
		{"admin port", "ADMIN=9000", func(c *Config) any { return c.Admin }, ":9000"},
		{"admin address", "ADMIN=10.0.0.1:9000", func(c *Config) any { return c.Admin }, "10.0.0.1:9000"},
		{"control port", "CONTROL=9001", func(c *Config) any { return c.Control }, "127.0.0.1:9001"},
		{"control on IPv6", "CONTROL=[::1]:9001", func(c *Config) any { return c.Control }, "[::1]:9001"},
		{"minimum", "HOLD_MIN=2s", func(c *Config) any { return c.HoldMin }, 2 * time.Second},
		{"no minimum", "HOLD_MIN=0s", func(c *Config) any { return c.HoldMin }, time.Duration(0)},
		{"quiet", "HOLD_QUIET=1500ms", func(c *Config) any { return c.HoldQuiet }, 1500 * time.Millisecond},
		{"maximum", "HOLD_MAX=10s", func(c *Config) any { return c.HoldMax }, 10 * time.Second},
		{"maximum derived", "HOLD_MAX=derived", func(c *Config) any { return c.HoldMax }, 22 * time.Second},
		{"risk", "HOLD_RISK=0.025", func(c *Config) any { return c.HoldRisk }, 0.025},
		{"escalation", "HOLD_ESCALATION=0.5", func(c *Config) any { return c.HoldEscalation }, 0.5},
		{"no escalation", "HOLD_ESCALATION=0", func(c *Config) any { return c.HoldEscalation }, 0.0},
		{"load balancer's delay", "LB_DELAY=5m", func(c *Config) any { return c.LBDelay }, 5 * time.Minute},
		{"no load balancer's delay", "LB_DELAY=0s", func(c *Config) any { return c.LBDelay }, time.Duration(0)},
		{"any risk", "HOLD_RISK=1", func(c *Config) any { return c.HoldRisk }, 1.0},
		{"grace period", "GRACE_PERIOD=1m", func(c *Config) any { return []any{c.GracePeriod, c.HoldMax} }, []any{time.Minute, 52 * time.Second}},
		{"app stop", "APP_STOP=15s", func(c *Config) any { return []any{c.AppStop, c.HoldMax} }, []any{15 * time.Second, 12 * time.Second}},
		{"observe", "OBSERVE=8080, 9090,8080", func(c *Config) any { return c.Observe }, []uint16{8080, 9090}},
		{"observe without routes", "OBSERVE=8080", func(c *Config) any { return len(c.Routes) }, 0},
		{"observe with routes", "OBSERVE=9090|ROUTES=1=2", func(c *Config) any { return len(c.Routes) }, 1},
		{"probes", "OBSERVE_PROBES=8080=10s, 8080=5s", func(c *Config) any { return c.ObserveProbes },
			[]Probe{{8080, 10 * time.Second}, {8080, 5 * time.Second}}},
		{"address of the node", "HOST_IP=10.0.0.1", func(c *Config) any { return c.HostIP.String() }, "10.0.0.1"},
		{"no address of the node", "HOST_IP=", func(c *Config) any { return c.HostIP.IsValid() }, false},
		{"spread", "TUNNEL_SPREAD=4s", func(c *Config) any { return c.TunnelSpread }, 4 * time.Second},
		{"no spread", "TUNNEL_SPREAD=0s", func(c *Config) any { return c.TunnelSpread }, time.Duration(0)},
		{"spread derived", "TUNNEL_SPREAD=derived", func(c *Config) any { return c.TunnelSpread }, 22 * time.Second / 3},
		{"event streams", "END_EVENT_STREAMS=0", func(c *Config) any { return c.EndEventStreams }, false},
		{"clients that are kept", "KEEP_CLIENT=true", func(c *Config) any { return c.KeepClient }, true},
		{"hook window", "HOOK_WINDOW=1s", func(c *Config) any { return c.HookWindow }, time.Second},
		{"app wait", "APP_WAIT=25h", func(c *Config) any { return c.AppWait }, 25 * time.Hour},
		{"probe agents", "PROBE_AGENTS=a/, b", func(c *Config) any { return c.ProbeAgents }, []string{"a/", "b"}},
		{"no probe agents", "PROBE_AGENTS=", func(c *Config) any { return len(c.ProbeAgents) }, 0},
		{"probe paths", "PROBE_PATHS=/healthz, /ready", func(c *Config) any { return c.ProbePaths }, []string{"/healthz", "/ready"}},
		{"health paths", "LB_HEALTH_PATHS=/lb,", func(c *Config) any { return c.HealthPaths }, []string{"/lb"}},
		{"unready after", "UNREADY_AFTER=3s", func(c *Config) any { return c.UnreadyAfter }, 3 * time.Second},
		{"header timeout", "HEADER_TIMEOUT=0s", func(c *Config) any { return c.HeaderTimeout }, time.Duration(0)},
		{"header size", "MAX_HEADER_SIZE=1024", func(c *Config) any { return c.MaxHeaderSize }, 1024},
		{"header size in KiB", "MAX_HEADER_SIZE=128KiB", func(c *Config) any { return c.MaxHeaderSize }, 128 << 10},
		{"header size as Kubernetes writes it", "MAX_HEADER_SIZE=8Mi", func(c *Config) any { return c.MaxHeaderSize }, 8 << 20},
		{"memory for slow clients", "SLOW_CLIENT_MEMORY=100MiB", func(c *Config) any { return c.SlowClientMemory }, 100 << 20},
		{"memory for slow clients derived", "SLOW_CLIENT_MEMORY=derived", func(c *Config) any { return c.SlowClientMemory }, 0},
		{"header size by default", "MAX_HEADER_SIZE=", func(c *Config) any { return c.MaxHeaderSize }, 64 << 10},
		{"connections", "MAX_CONNECTIONS=1000", func(c *Config) any { return c.MaxConnections }, 1000},
		{"stop signal", "STOP_SIGNAL=SIGQUIT", func(c *Config) any { return c.StopSignal }, "SIGQUIT"},
		{"termination log", "TERMINATION_LOG=/tmp/log", func(c *Config) any { return c.TerminationLog }, "/tmp/log"},
		{"no termination log", "TERMINATION_LOG=", func(c *Config) any { return c.TerminationLog }, ""},
		{"log level", "LOG_LEVEL=DEBUG", func(c *Config) any { return c.LogLevel }, "debug"},
		{"log format", "LOG_FORMAT=console", func(c *Config) any { return c.LogFormat }, "console"},
		{"an empty value is the default", "HOLD_MIN=", func(c *Config) any { return c.HoldMin }, 5 * time.Second},
	}
	tested := make(map[string]bool)
	for _, tt := range tests {
		name, _, _ := strings.Cut(tt.lines, "=")
		tested[Prefix+name] = true
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.field(mustParse(t, strings.Split(tt.lines, "|")...)); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%s gives %v, want %v", tt.lines, got, tt.want)
			}
		})
	}
	for _, v := range Variables() {
		if !tested[v.Name] {
			t.Errorf("%s is not tested", v.Name)
		}
	}
}

func TestParse_Problems(t *testing.T) {
	const durations = "must be a duration that is not negative (for example 90s), got "
	tests := []struct {
		name  string
		lines []string
		want  []string // the beginning of each problem, without the prefix of the variable
	}{
		{"unknown variable", []string{"HOLD_MINIMUM=5s"}, []string{"HOLD_MINIMUM: unknown variable"}},
		{"lower case", []string{"hold_min=5s"}, []string{"hold_min: unknown variable"}},
		{"Min longer than Max", []string{"HOLD_MIN=30s"}, []string{"HOLD_MIN: must be at most 22s, the maximum of the hold (for a longer one raise LAMEDUCK_GRACE_PERIOD"}},
		{"Min longer than the Max that is set", []string{"HOLD_MIN=3s", "HOLD_QUIET=1s", "HOLD_MAX=2s"}, []string{"HOLD_MIN: must be at most 2s"}},
		{"Quiet longer than Max", []string{"HOLD_QUIET=30s"}, []string{"HOLD_QUIET: must be at most 22s"}},
		{"a port that is none", []string{"OBSERVE=8080,0,http"}, []string{
			"OBSERVE: must be port numbers from 1 to 65535 (for example 8080,9090), member 2 is not", "OBSERVE: must be port numbers from 1 to 65535 (for example 8080,9090), member 3 is not"}},
		{"too many ports", []string{"OBSERVE=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33"},
			[]string{"OBSERVE: must have at most 32 ports, got 33"}},
		{"the app's port of a route", []string{"OBSERVE=8080", "ROUTES=18080=8080"}, []string{
			"OBSERVE: must not have 8080, the app's port of a route: it is observed anyway"}},
		{"a port of a route", []string{"OBSERVE=18080", "ROUTES=18080=8080"}, []string{
			"OBSERVE: must have the app's ports, and 18080 is that of LAMEDUCK_ROUTES"}},
		{"a port of ours", []string{"OBSERVE=18081,18082"}, []string{
			"OBSERVE: must have the app's ports, and 18081 is that of LAMEDUCK_ADMIN",
			"OBSERVE: must have the app's ports, and 18082 is that of LAMEDUCK_CONTROL"}},
		{"a probe without a period", []string{"OBSERVE_PROBES=8080"}, []string{
			"OBSERVE_PROBES: must be port=period with a period of at least 1s (for example 8080=10s,8080=5s), member 1 is not"}},
		{"a probe that is too frequent", []string{"OBSERVE_PROBES=8080=500ms"}, []string{"OBSERVE_PROBES: must be port=period"}},
		{"spread longer than Max", []string{"TUNNEL_SPREAD=23s"}, []string{"TUNNEL_SPREAD: must be at most 22s"}},
		{"Max longer than the grace period", []string{"HOLD_MAX=23s"}, []string{`HOLD_MAX: must be at most 22s, which is LAMEDUCK_GRACE_PERIOD (30s) - LAMEDUCK_APP_STOP (5s) - 3s, got "23s"`}},
		{"no time to hold", []string{"GRACE_PERIOD=8s"}, []string{`GRACE_PERIOD: must be longer than LAMEDUCK_APP_STOP (5s) + 3s, or there is no time to hold, got "8s"`}},
		{"no time for a Max that is set", []string{"GRACE_PERIOD=8s", "HOLD_MAX=1s"}, []string{"GRACE_PERIOD: must be longer than"}},
		{"a Max of zero", []string{"HOLD_MAX=0s"}, []string{`HOLD_MAX: must be derived, or a duration above 0s (for example 90s), got "0s"`}},
		{"a Max that is no duration", []string{"HOLD_MAX=long"}, []string{`HOLD_MAX: must be derived, or a duration`}},
		{"a spread that is no duration", []string{"TUNNEL_SPREAD=x"}, []string{"TUNNEL_SPREAD: must be derived, or a duration"}},
		{"a duration without unit", []string{"HOLD_MIN=5"}, []string{"HOLD_MIN: " + durations + `"5"`}},
		{"a negative duration", []string{"HOOK_WINDOW=-1s"}, []string{"HOOK_WINDOW: " + durations + `"-1s"`}},
		{"a duration that overflows in a sum", []string{"GRACE_PERIOD=2562047h"}, []string{"GRACE_PERIOD: must be a duration of at most 876000h"}},
		{"a risk that is no number", []string{"HOLD_RISK=much"}, []string{`HOLD_RISK: must be a number from 0.000001 to 1, got "much"`}},
		{"a risk of NaN", []string{"HOLD_RISK=NaN"}, []string{"HOLD_RISK: must be a number from 0.000001 to 1"}},
		{"no risk", []string{"HOLD_RISK=0"}, []string{"HOLD_RISK: must be a number from 0.000001 to 1"}},
		{"an escalation of NaN", []string{"HOLD_ESCALATION=NaN"}, []string{"HOLD_ESCALATION: must be a number from 0 to 1"}},
		{"an escalation too high", []string{"HOLD_ESCALATION=33"}, []string{`HOLD_ESCALATION: must be a number from 0 to 1, got "33"`}},
		{"a risk too high", []string{"HOLD_RISK=1.5"}, []string{"HOLD_RISK: must be a number from 0.000001 to 1"}},
		{"negative connections", []string{"MAX_CONNECTIONS=-1"}, []string{"MAX_CONNECTIONS: must be a whole number"}},
		{"connections that are no number", []string{"MAX_CONNECTIONS=many"}, []string{"MAX_CONNECTIONS: must be a whole number"}},
		{"more connections than can be counted", []string{"MAX_CONNECTIONS=2147483648"}, []string{"MAX_CONNECTIONS: must be a whole number"}},
		{"a header size of a byte too few", []string{"MAX_HEADER_SIZE=1023"}, []string{`MAX_HEADER_SIZE: must be a size from 1KiB to 8MiB (for example 65536 or 64KiB), got "1023"`}},
		{"a header size of none", []string{"MAX_HEADER_SIZE=0"}, []string{"MAX_HEADER_SIZE: must be a size from 1KiB"}},
		{"a header size of a byte too many", []string{"MAX_HEADER_SIZE=8388609"}, []string{"MAX_HEADER_SIZE: must be a size from 1KiB"}},
		{"a header size that is too large", []string{"MAX_HEADER_SIZE=9MiB"}, []string{"MAX_HEADER_SIZE: must be a size from 1KiB"}},
		{"a header size that overflows", []string{"MAX_HEADER_SIZE=4398046511105MiB"}, []string{"MAX_HEADER_SIZE: must be a size from 1KiB"}},
		{"a header size with another unit", []string{"MAX_HEADER_SIZE=64KB"}, []string{"MAX_HEADER_SIZE: must be a size from 1KiB"}},
		{"a header size with a sign", []string{"MAX_HEADER_SIZE=+65536"}, []string{"MAX_HEADER_SIZE: must be a size from 1KiB"}},
		{"a header size with a fraction", []string{"MAX_HEADER_SIZE=1.5MiB"}, []string{"MAX_HEADER_SIZE: must be a size from 1KiB"}},
		{"a header size without a number", []string{"MAX_HEADER_SIZE=KiB"}, []string{"MAX_HEADER_SIZE: must be a size from 1KiB"}},
		{"too little memory for slow clients", []string{"SLOW_CLIENT_MEMORY=1023KiB"}, []string{`SLOW_CLIENT_MEMORY: must be derived, or a size from 1MiB to 2047MiB (for example 67108864 or 64MiB), got "1023KiB"`}},
		{"a switch", []string{"END_EVENT_STREAMS=maybe"}, []string{`END_EVENT_STREAMS: must be true or false, got "maybe"`}},
		{"two routes on one port", []string{"ROUTES=18080=8080,18080=8081"}, []string{"ROUTES: must not listen at :18080: LAMEDUCK_ROUTES listens at :18080"}},
		{"a route on one address of a port that another has on all", []string{"ROUTES=18080=8080,127.0.0.1:18080=8081"},
			[]string{"ROUTES: must not listen at 127.0.0.1:18080: LAMEDUCK_ROUTES listens at :18080"}},
		{"a route at the admin address", []string{"ROUTES=18081=8080"}, []string{"ADMIN: must not listen at :18081: LAMEDUCK_ROUTES listens at :18081"}},
		{"a route at the control address", []string{"ROUTES=18082=8080"}, []string{"CONTROL: must not listen at 127.0.0.1:18082: LAMEDUCK_ROUTES"}},
		{"admin and control at one port", []string{"ADMIN=18082"}, []string{"CONTROL: must not listen at 127.0.0.1:18082: LAMEDUCK_ADMIN"}},
		{"a control address that is not loopback", []string{"CONTROL=0.0.0.0:18082"}, []string{`CONTROL: must be a loopback address (for example 127.0.0.1:18082), got "0.0.0.0:18082"`}},
		{"a control address on all interfaces", []string{"CONTROL=[::]:18082"}, []string{"CONTROL: must be a loopback address"}},
		{"a control address by name", []string{"CONTROL=localhost:18082"}, []string{"CONTROL: must be a loopback address"}},
		{"an admin address without port", []string{"ADMIN=localhost"}, []string{"ADMIN: must be [host:]port"}},
		{"a control address without port", []string{"CONTROL=localhost"}, []string{"CONTROL: must be [host:]port"}},
		{"a host that is no name", []string{"ADMIN=a b:1"}, []string{"ADMIN: must be [host:]port"}},
		{"a route to itself", []string{"ROUTES=80=8080,8080=8080"}, []string{"ROUTES: route 2 must have different ports"}},
		{"a route to the control address", []string{"ROUTES=18080=18082"}, []string{"ROUTES: must not relay to 127.0.0.1:18082: LAMEDUCK_CONTROL listens there"}},
		{"a route to another route", []string{"ROUTES=18080=18090,18090=8080"}, []string{"ROUTES: must not relay to 127.0.0.1:18090: LAMEDUCK_ROUTES listens there"}},
		{"a route without app", []string{"ROUTES=18080"}, []string{"ROUTES: route 1 must be listen=app"}},
		{"no route", []string{"ROUTES= "}, []string{"ROUTES: route 1 must be listen=app"}},
		{"takeover of no port", []string{"ROUTES=0=takeover"}, []string{"ROUTES: route 1 must have the port that the app binds"}},
		{"takeover twice", []string{"ROUTES=80=takeover,80=takeover"}, []string{"ROUTES: must not listen at :80: LAMEDUCK_ROUTES"}},
		{"takeover of the admin port", []string{"ROUTES=18081=takeover"}, []string{"ADMIN: must not listen at :18081: LAMEDUCK_ROUTES"}},
		{"takeover of TLS both ways", []string{"ROUTES=80=takeover;tls;passthrough"}, []string{"ROUTES: route 1 must have one of tls and passthrough"}},
		{"an empty route", []string{"ROUTES=80=8080,"}, []string{"ROUTES: route 2 must be listen=app"}},
		{"an unknown option", []string{"ROUTES=80=8080;protocol=tcp"}, []string{"ROUTES: route 1 must have no options but proto=auto"}},
		{"an option with a value", []string{"ROUTES=80=8080;proxy=v2"}, []string{"ROUTES: route 1 must have no options but"}},
		{"an unknown protocol", []string{"ROUTES=80=8080;proto=udp"}, []string{"ROUTES: route 1 must have no options but"}},
		{"an empty option", []string{"ROUTES=80=8080;"}, []string{"ROUTES: route 1 must have no options but"}},
		{"a route to port 0", []string{"ROUTES=18080=0"}, []string{"ROUTES: route 1 must have the port on which the app listens"}},
		{"a route with a port by name", []string{"ROUTES=18080=http"}, []string{"ROUTES: route 1 must have an app address of the form [host:]port"}},
		{"a port that is too high", []string{"ROUTES=65536=8080"}, []string{"ROUTES: route 1 must have a listen address of the form [host:]port"}},
		{"an IPv6 address without brackets", []string{"ROUTES=::1:80=8080"}, []string{"ROUTES: route 1 must have a listen address"}},
		{"several routes at once", []string{"ROUTES=x,80=8080,y"}, []string{"ROUTES: route 1 must be", "ROUTES: route 3 must be"}},
		{"certificate without key", []string{"TLS_CERT=/c"}, []string{"TLS_KEY: must be set too"}},
		{"key without certificate", []string{"TLS_KEY=/k"}, []string{"TLS_CERT: must be set too"}},
		{"CA without certificate", []string{"TLS_CLIENT_CA=/ca"}, []string{"TLS_CERT: must be set too"}},
		{"a key in the place of its path", []string{"TLS_CERT=/c", "TLS_KEY=-----BEGIN PRIVATE KEY-----\nMIIE"}, []string{"TLS_KEY: must be the path of a file"}},
		{"TLS to the app alone", []string{"ROUTES=80=8080;tls"}, []string{"ROUTES: route 1 must not have tls unless"}},
		{"TLS to another host", []string{"ROUTES=80=app:8080;tls"}, []string{"ROUTES: route 1 must have a loopback address for the app with tls"}},
		{"TLS and passthrough", []string{"ROUTES=80=8080;tls;passthrough"}, []string{"ROUTES: route 1 must have one of tls and passthrough"}},
		{"a fallback without port", []string{"FALLBACK=app"}, []string{"FALLBACK: must be host:port (for example my-service.my-namespace:80), address 1 is not"}},
		{"a fallback without host", []string{"FALLBACK=:80"}, []string{"FALLBACK: must be host:port"}},
		{"a fallback with a port by name", []string{"FALLBACK=app:http"}, []string{"FALLBACK: must be host:port"}},
		{"a fallback with port 0", []string{"FALLBACK=app:0"}, []string{"FALLBACK: must be host:port"}},
		{"a fallback to the route", []string{"FALLBACK=127.0.0.1:18080"}, []string{"FALLBACK: must be the address of the app's Service, and 127.0.0.1:18080 leads back"}},
		{"fewer fallbacks than routes", []string{"ROUTES=80=8080,81=8081", "FALLBACK=app:80"}, []string{"FALLBACK: must have one host:port for each route"}},
		{"a relative path", []string{"PROBE_PATHS=/a,healthz"}, []string{"PROBE_PATHS: must be absolute paths without query (for example /healthz), path 2 is not"}},
		{"a path with a query", []string{"LB_HEALTH_PATHS=/lb?deep"}, []string{"LB_HEALTH_PATHS: must be absolute paths without query (for example /healthz), path 1 is not"}},
		{"a path with a fragment", []string{"LB_HEALTH_PATHS=/lb#a"}, []string{"LB_HEALTH_PATHS: must be absolute paths"}},
		{"a node by name", []string{"HOST_IP=node-1"}, []string{"HOST_IP: must be an IP address (for example 10.0.0.1)"}},
		{"no signal", []string{"STOP_SIGNAL=TREM"}, []string{`STOP_SIGNAL: must be a signal that can be caught (for example SIGTERM, QUIT, 3 or SIGRTMIN+3), got "TREM"`}},
		{"a signal that nobody can catch", []string{"STOP_SIGNAL=SIGKILL"}, []string{"STOP_SIGNAL: must be a signal that can be caught"}},
		{"a signal of the runtime", []string{"STOP_SIGNAL=SIGURG"}, []string{"STOP_SIGNAL: must be a signal that can be caught"}},
		{"a log level", []string{"LOG_LEVEL=loud"}, []string{`LOG_LEVEL: must be debug, info, warn or error, got "loud"`}},
		{"a log format", []string{"LOG_FORMAT=xml"}, []string{`LOG_FORMAT: must be json or console, got "xml"`}},
		{"the consequence of a problem is not another problem", []string{"ROUTES=x", "ADMIN=18080", "FALLBACK=a:1,b:2", "GRACE_PERIOD=x", "HOLD_MIN=1h"}, []string{"ROUTES: route 1", "GRACE_PERIOD: " + durations}},
		{"several at once", []string{"HOLD_MIN=1h", "APP_WAIT=soon", "ROUTES=x", "CONTROL=10.0.0.1:1", "MISSPELT=1", "LOG_FORMAT=xml"}, []string{
			"MISSPELT: unknown variable",
			"ROUTES: route 1 must be listen=app",
			"CONTROL: must be a loopback address",
			"HOLD_MIN: must be at most 22s",
			"APP_WAIT: " + durations,
			"LOG_FORMAT: must be json or console",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(variables(tt.lines...))
			wantProblems(t, err, tt.want)
		})
	}
}

// wantProblems expects exactly these problems, of which only the beginnings are given.
func wantProblems(t *testing.T, err error, want []string) {
	t.Helper()
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != len(want) {
		t.Fatalf("got %d problems, want %d:\n%v", len(problems), len(want), err)
	}
	for i, w := range want {
		if got := problems[i].Error(); !strings.HasPrefix(got, Prefix+w) {
			t.Errorf("got %q, want %q", got, Prefix+w)
		}
	}
}

// A kubelet describes every Service of the namespace to every container. The variables of one that
// is called lameduck have the prefix.
func TestParse_ServiceLinksAreIgnored(t *testing.T) {
	mustParse(t, "SERVICE_HOST=10.0.0.10", "SERVICE_PORT=80", "SERVICE_PORT_HTTP=80", "PORT=tcp://10.0.0.10:80",
		"PORT_80_TCP=tcp://10.0.0.10:80", "PORT_80_TCP_PROTO=tcp", "PORT_80_TCP_PORT=80", "PORT_80_TCP_ADDR=10.0.0.10",
		"PORT_53_UDP_ADDR=10.0.0.10", "WEBHOOK_SERVICE_HOST=10.0.0.11", "WEBHOOK_SERVICE_PORT=443", "WEBHOOK_PORT_443_TCP_ADDR=10.0.0.11")
	if _, err := Parse(map[string]string{"OTHER": "1", "PATH": "/bin"}); err != nil {
		t.Error(err)
	}
}

func TestRead_LeavesOutWhatFollowsFromOthers(t *testing.T) {
	c, err := Read(variables("HOLD_MIN=1h", "ROUTES=80=8080,81=8081", "FALLBACK=app:80"))
	if err != nil {
		t.Fatal(err)
	}
	if c.HoldMin != time.Hour || c.HoldMax != Derived || c.TunnelSpread != Derived {
		t.Errorf("got %+v", c)
	}
}

func TestRead_KeepsTheValidRoutes(t *testing.T) {
	c, err := Read(variables("ROUTES=x,80=8080", "HOLD_MIN=x"))
	if err == nil || len(c.Routes) != 1 || c.HoldMin != 5*time.Second {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestParse_TheAppOfATakenPortHasNoAddress(t *testing.T) {
	c, err := Parse(map[string]string{"LAMEDUCK_ROUTES": "80=takeover;proxy, 127.0.0.1:81 = takeover ,82=83"})
	if err != nil {
		t.Fatal(err)
	}
	want := []Route{
		{Listen: ":80", Takeover: true, Protocol: Auto, ProxyProtocol: true},
		{Listen: "127.0.0.1:81", Takeover: true, Protocol: Auto},
		{Listen: ":82", App: "127.0.0.1:83", AnyHost: true, Protocol: Auto},
	}
	if !reflect.DeepEqual(c.Routes, want) {
		t.Errorf("routes %+v, want %+v", c.Routes, want)
	}
	if got := c.Routes[0].String(); got != ":80=takeover" {
		t.Errorf("the route is written %q", got)
	}
}

func TestCheck(t *testing.T) {
	for value, want := range map[string]bool{"60s": true, "60": false} {
		if err := Check("LAMEDUCK_HOLD_MIN", value); (err == nil) != want {
			t.Errorf("%s: %v", value, err)
		}
	}
	if Check("LAMEDUCK_X", "1") == nil {
		t.Error("an unknown variable is accepted")
	}
}

func TestVariables_AreDocumentedOnce(t *testing.T) {
	var names []string
	for _, v := range Variables() {
		names = append(names, v.Name)
		if !strings.HasPrefix(v.Name, Prefix) || v.Usage == "" {
			t.Errorf("%+v has no proper name, or no usage", v)
		}
		if err := v.set(new(Config), v.Default); err != nil {
			t.Errorf("the default of %s: %v", v.Name, err)
		}
	}
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("a name is there twice: %q", names)
	}
}
