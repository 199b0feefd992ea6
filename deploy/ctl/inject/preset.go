package inject

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// A Preset has the settings for a load balancer. docs/loadbalancers.md explains each.
type Preset struct {
	Name  string // value of the option lb
	Title string // as in a sentence

	// Seen is the longest time, in public reports, from a pod's deletion until the load balancer
	// opens no more connections to it. Rare outages are not counted.
	Seen time.Duration

	// Delay is the LBDelay: Seen, or more where reports are few.
	Delay time.Duration

	// FailChecks means that the load balancer stops routing sooner, or at all, only if its HTTP
	// health checks fail. It makes Inject set LAMEDUCK_LB_HEALTH_PATHS.
	FailChecks bool
}

// DefaultLBDelay is the load balancer's delay without a preset. Load balancers of clouds usually
// need up to a minute.
const DefaultLBDelay = 60 * time.Second

// fromPreset is the value of an LBDelay that is not set, so that the preset determines it.
const fromPreset time.Duration = -1

var presets = []Preset{
	{Name: "alb", Title: "AWS ALB", Seen: 2 * time.Minute, Delay: 2 * time.Minute},
	{Name: "nlb", Title: "AWS NLB", Seen: 5 * time.Minute, Delay: 5 * time.Minute, FailChecks: true},
	{Name: "gke-neg", Title: "GKE with NEGs", Seen: time.Minute, Delay: 2 * time.Minute},
	{Name: "gke-l4", Title: "the passthrough load balancer of GKE", Seen: 10 * time.Second, Delay: 30 * time.Second},
	{Name: "agic", Title: "Azure Application Gateway", Seen: 5 * time.Minute, Delay: 5 * time.Minute},
	{Name: "azure-lb", Title: "Azure Load Balancer", Seen: 10 * time.Second, Delay: 30 * time.Second},
	{Name: "ingress-nginx", Title: "ingress-nginx", Seen: 5 * time.Second, Delay: 15 * time.Second},
	{Name: "haproxy", Title: "HAProxy", Seen: 5 * time.Second, Delay: 15 * time.Second},
	{Name: "traefik", Title: "Traefik", Seen: 3 * time.Second, Delay: 15 * time.Second},
	{Name: "envoy-gateway", Title: "Envoy Gateway", Seen: 5 * time.Second, Delay: 15 * time.Second, FailChecks: true},
	{Name: "contour", Title: "Contour", Seen: 5 * time.Second, Delay: 15 * time.Second, FailChecks: true},
	{Name: "kgateway", Title: "kgateway", Seen: 5 * time.Second, Delay: 15 * time.Second, FailChecks: true},
	{Name: "istio", Title: "Istio", Seen: 5 * time.Second, Delay: 15 * time.Second},
	{Name: "istio-ambient", Title: "Istio in ambient mode", Seen: 5 * time.Second, Delay: 15 * time.Second},
	{Name: "cilium", Title: "Cilium", Seen: 5 * time.Second, Delay: 15 * time.Second},
	{Name: "kube-proxy", Title: "kube-proxy", Seen: 10 * time.Second, Delay: 15 * time.Second},
}

// Presets returns all presets in the order of the documentation.
func Presets() []Preset { return slices.Clone(presets) }

// FindPreset returns the preset with a name. The error for an unknown name lists all.
func FindPreset(name string) (Preset, error) {
	i := slices.IndexFunc(presets, func(p Preset) bool { return p.Name == name })
	if i < 0 {
		return Preset{}, fmt.Errorf("unknown load balancer %q: use %s", name, presetNames())
	}
	return presets[i], nil
}

func presetNames() string {
	var names []string
	for _, p := range presets {
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}

// setLB sets the preset. It changes no other setting, so that the order of options does not matter.
func setLB(s *Settings, value string) error {
	if _, err := FindPreset(value); err != nil {
		return err
	}
	s.LB = value
	return nil
}

// preset returns the preset of the load balancer, or the default one if none is set.
func (s *Settings) preset() Preset {
	if p, err := FindPreset(s.LB); err == nil {
		return p
	}
	return Preset{Title: "the load balancer", Delay: DefaultLBDelay}
}

// The variables of Lameduck that a preset sets.
const (
	delayVariable  = "LAMEDUCK_LB_DELAY"
	healthVariable = "LAMEDUCK_LB_HEALTH_PATHS"
)

// applyPreset applies the preset to the settings that are not set.
func (j *injection) applyPreset() error {
	s := &j.settings
	isKnown := s.LB != "" || s.LBDelay >= 0
	if s.LBDelay < 0 {
		s.LBDelay = s.preset().Delay
	}
	if isKnown {
		j.setDefault(delayVariable, seconds(s.LBDelay))
	}
	if s.preset().FailChecks && !j.sets(healthVariable) {
		j.failHealthChecks()
	}
	return nil
}

// setDefault sets a variable of Lameduck, unless the user has.
func (j *injection) setDefault(name, value string) {
	if j.sets(name) {
		return
	}
	if j.settings.Env == nil {
		j.settings.Env = make(map[string]string)
	}
	j.settings.Env[name] = value
}

// sets reports whether the user has set a variable of Lameduck.
func (j *injection) sets(name string) bool {
	if _, is := j.settings.Env[name]; is {
		return true
	}
	wrapped := j.wrappedContainer()
	return wrapped != nil && slices.ContainsFunc(wrapped.Env, func(v corev1.EnvVar) bool { return v.Name == name })
}
