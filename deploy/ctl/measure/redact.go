package measure

import (
	"fmt"
	"net/url"

	"lameduck/lifecycle/plural"
)

// Redact removes what identifies a service, so that the report can be published: the host, path and
// addresses, the names of pods and workloads, and the texts of errors, which may contain these.
func (p *Report) Redact() {
	scheme := "http"
	if u, err := url.Parse(p.URL); err == nil && u.Scheme != "" {
		scheme = u.Scheme
	}
	p.URL = scheme + "://redacted/"
	addresses, pods := alias{prefix: "address"}, alias{prefix: "pod"}
	for i := range p.Addresses {
		p.Addresses[i] = addresses.of(p.Addresses[i])
	}
	if n := len(p.Notes); n > 0 {
		p.Notes = []string{fmt.Sprintf("%s %s removed.", plural.Count(n, "note"), plural.Pick(n, "was", "were"))}
	}
	for i := range p.Failures {
		f := &p.Failures[i]
		f.Error, f.Address, f.Pod = "redacted", addresses.of(f.Address), pods.of(f.Pod)
	}
	for i := range p.Pods {
		p.Pods[i].Name = pods.of(p.Pods[i].Name)
	}
	if p.Rollout != nil {
		p.Rollout.redact(&pods)
	}
}

// An alias replaces names with numbers. The same name has the same number.
type alias struct {
	prefix string
	known  map[string]string
}

func (a *alias) of(name string) string {
	if name == "" {
		return ""
	}
	if a.known == nil {
		a.known = map[string]string{}
	}
	if a.known[name] == "" {
		a.known[name] = fmt.Sprintf("%s-%d", a.prefix, len(a.known)+1)
	}
	return a.known[name]
}
