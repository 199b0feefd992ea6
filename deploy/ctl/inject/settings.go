package inject

import (
	"maps"
	"slices"
	"time"
)

// What Lameduck reads on pods and pod templates.
const (
	AnnotationPrefix   = "lameduck.dev/"
	InjectedAnnotation = AnnotationPrefix + "injected" // what Inject has done, for Eject
	InjectLabel        = AnnotationPrefix + "inject"   // on a namespace `enabled`: inject its pods; on a pod `disabled`: not this one
)

// A Shape is the way in which Lameduck runs in a pod.
type Shape string

// The shapes.
const (
	Native  Shape = "native"  // a native sidecar, for Kubernetes 1.29 or later
	Plain   Shape = "plain"   // a second container, for older ones
	Wrapper Shape = "wrapper" // the app's parent, in the app's container: for apps that can have no hook
)

// Settings say what is injected. The zero value is of no use: begin with Defaults.
type Settings struct {
	Shape       Shape
	Image       string            // of the sidecar
	LBDelay     time.Duration     // what the load balancer takes to let go; the grace period is raised to what the hold needs
	Silence     time.Duration     // the longest silence for which the hold has room after that
	AppStop     time.Duration     // what the app needs to stop; 0: the grace period that the pod has, but 5 s where that is Kubernetes' 30 s
	GracePeriod time.Duration     // at least this; 0: LBDelay, Silence, AppStop and 3 s, rounded up to half a minute
	Ports       []string          // that are relayed, by name or number, each with options of LAMEDUCK_ROUTES as in 3306;proto=tcp; none: all that serve
	Env         map[string]string // more variables of Lameduck, as LAMEDUCK_HOLD_MIN
	Kubernetes  string            // version of the cluster, as 1.28; empty: unknown, and taken for a recent one
}

// Defaults returns the settings that are used where nobody says anything else.
func Defaults() Settings {
	return Settings{
		Shape:   Native,
		Image:   "registry.example/lameduck:0.1",
		LBDelay: 60 * time.Second, // load balancers of the clouds take up to a minute, as a rule
		Silence: 30 * time.Second, // three times the longest gap of a source that comes every 10 s
	}
}

// clone returns settings that share nothing with s.
func (s Settings) clone() Settings {
	s.Ports, s.Env = slices.Clone(s.Ports), maps.Clone(s.Env)
	return s
}
