package command

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lameduck/cmd/lameduck/config"
	"lameduck/lifecycle"
	"lameduck/proxy"
)

// loadConfig reads the configuration from an environment.
func loadConfig(environ []string) (*config.Config, error) {
	c, err := config.Parse(config.ToMap(environ))
	if err != nil {
		return nil, configError(err)
	}
	return c, nil
}

// configError returns a usage error with one line for each problem.
func configError(err error) error {
	return usageError("invalid configuration:\n  " + strings.ReplaceAll(err.Error(), "\n", "\n  "))
}

// tlsIdentity loads the certificate for terminating TLS. It returns nil if TLS is not terminated.
func tlsIdentity(c *config.Config) (*identity, error) {
	if c.TLSCert == "" {
		return nil, nil
	}
	id, err := loadIdentity(identityFiles{c.TLSCert, c.TLSKey, c.TLSClientCA})
	if err != nil {
		return nil, configError(err)
	}
	return id, nil
}

// stopSignal returns the signal of LAMEDUCK_STOP_SIGNAL.
func stopSignal(c *config.Config) (syscall.Signal, error) {
	s := unix.SignalNum(c.StopSignal)
	if number := config.RealTimeSignal(c.StopSignal); number != 0 && runtime.GOOS == "linux" {
		s = syscall.Signal(number)
	}
	if s == 0 {
		return 0, configError(fmt.Errorf(
			"LAMEDUCK_STOP_SIGNAL: must be a signal of this system, got %q", c.StopSignal))
	}
	return s, nil
}

// terminationLog returns the path of the termination log, or an empty string if there is none. The
// default path is used only if the file exists.
func terminationLog(c *config.Config) string {
	if c.TerminationLog == config.DefaultTerminationLog {
		if _, err := os.Stat(c.TerminationLog); err != nil {
			return ""
		}
	}
	return c.TerminationLog
}

func holdConfig(c *config.Config) lifecycle.Hold {
	return lifecycle.Hold{
		Min: c.HoldMin, Quiet: c.HoldQuiet, Max: c.HoldMax, Risk: c.HoldRisk, LBDelay: c.LBDelay,
		Escalate: time.Duration(c.HoldEscalation * float64(c.HoldMax)),
	}
}

// probeAgents replaces "known" by the known agents.
func probeAgents(c *config.Config) []string {
	var agents []string
	for _, a := range c.ProbeAgents {
		if a == "known" {
			agents = append(agents, proxy.DefaultProbeAgents...)
		} else {
			agents = append(agents, a)
		}
	}
	return agents
}

// protocols maps the configuration's protocols to the relay's.
var protocols = map[config.Protocol]proxy.Protocol{
	config.Auto: proxy.Auto, config.HTTP1: proxy.HTTP1, config.H2C: proxy.H2C, config.TCP: proxy.TCP,
}

// proxyRoute converts a route for the relay. id is nil if TLS is not terminated.
func proxyRoute(r config.Route, app proxy.Dialer, id *identity) proxy.Route {
	route := proxy.Route{
		Dial:     app,
		Protocol: protocols[r.Protocol],
		Proxied:  r.ProxyProtocol,
		AppTLS:   r.AppTLS,
	}
	if id != nil && !r.Passthrough {
		route.TLS = id.config()
	}
	if r.Fallback != "" {
		route.Fallback = proxy.DialFallback(r.Fallback)
	}
	return route
}
