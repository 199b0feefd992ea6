package proxy

import (
	"bytes"

	"lameduck/proxy/h1"
)

// probes tells health probes from traffic. What it does not know is traffic.
type probes struct {
	agents [][]byte
	paths  map[string]bool
}

func newProbes(agents, paths []string) probes {
	p := probes{paths: pathSet(paths)}
	for _, a := range agents {
		p.agents = append(p.agents, []byte(a))
	}
	return p
}

func (p *probes) match(req *h1.Request) bool {
	if p.paths[string(req.Path)] {
		return true
	}
	for _, a := range p.agents {
		if bytes.HasPrefix(req.UserAgent, a) {
			return true
		}
	}
	return false
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
