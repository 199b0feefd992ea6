package proxy

import (
	"bytes"

	"lameduck/lifecycle/silence"
	"lameduck/proxy/h1"
	"lameduck/proxy/h2"
)

// probes identifies health probes. Everything else is traffic.
type probes struct {
	agents [][]byte
	paths  map[string]bool
	health map[string]bool // paths of load balancers' health checks
}

func newProbes(c *Config) probes {
	p := probes{paths: pathSet(c.ProbePaths), health: pathSet(c.HealthPaths)}
	for _, a := range c.ProbeAgents {
		p.agents = append(p.agents, []byte(a))
	}
	return p
}

// A sender is what a request reveals about its sender. Anybody can forge such a request, so it must
// not affect conclusions about other clients.
type sender struct {
	class   silence.Class
	probe   bool            // a health probe, which is no traffic
	checks  bool            // the probe is a load balancer's health check
	checker silence.Checker // that sends it
}

// checkers are the prefixes of the User-Agent values of load balancers' health checks. Other
// probes, such as those of the kubelet and of monitoring systems, reveal nothing about routing.
var checkers = []struct {
	agent string
	is    silence.Checker
}{
	{"ELB-HealthChecker/", silence.ELB},
	{"GoogleHC/", silence.Google},
	{"Load Balancer Agent", silence.Azure},
	{"Edge Health Probe", silence.Azure},
	{"Envoy/HC", silence.Envoy},
	{"HAProxy Health Check", silence.HAProxy},
	{"nginx/", silence.Nginx}, // a prober only if LAMEDUCK_PROBE_AGENTS says so
}

// ofHTTP1 returns the sender of a request. The path marks a health check only if the request has no
// body, as in [shared.failsHealthCheck].
func (p *probes) ofHTTP1(req *h1.Request) sender {
	s := p.sender(req.UserAgent, req.Path, req.Body.Done())
	if req.Proxied {
		s.class = silence.Proxy
	}
	return s
}

// ofHTTP2 returns the sender of the first request of a connection.
func (p *probes) ofHTTP2(req h2.Request) sender {
	if !req.Known {
		return sender{class: silence.Unknown}
	}
	s := p.sender([]byte(req.UserAgent), []byte(req.Path), true)
	if req.Proxied {
		s.class = silence.Proxy
	}
	return s
}

func (p *probes) sender(agent, path []byte, checksByPath bool) sender {
	switch {
	case p.isAgent(agent):
		return proberOf(agent)
	case checksByPath && p.health[string(path)]:
		return sender{class: silence.Proxy, probe: true, checks: true}
	}
	return sender{probe: p.paths[string(path)]}
}

func (p *probes) isAgent(agent []byte) bool {
	for _, a := range p.agents {
		if bytes.HasPrefix(agent, a) {
			return true
		}
	}
	return false
}

// proberOf returns the sender of a health probe.
func proberOf(agent []byte) sender {
	for _, c := range checkers {
		if len(agent) >= len(c.agent) && string(agent[:len(c.agent)]) == c.agent {
			return sender{class: silence.Proxy, probe: true, checks: true, checker: c.is}
		}
	}
	return sender{probe: true}
}

// isKubelet reports whether a request is a probe of the kubelet.
func isKubelet(req *h1.Request) bool { return bytes.HasPrefix(req.UserAgent, []byte("kube-probe/")) }

func pathSet(paths []string) map[string]bool {
	set := make(map[string]bool, len(paths))
	for _, p := range paths {
		set[p] = true
	}
	return set
}
