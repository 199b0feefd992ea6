package inject

import (
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/ctl/mode"
)

// Annotations and labels of pods and pod templates.
const (
	AnnotationPrefix   = "lameduck.dev/"
	InjectedAnnotation = AnnotationPrefix + "injected" // the record of Inject, for Uninject
	InjectLabel        = AnnotationPrefix + "inject"   // "enabled" on a namespace, "disabled" on a pod
)

// A Shape is how Lameduck runs in a pod.
type Shape string

// The shapes.
const (
	Native  Shape = "native"  // a native sidecar, for Kubernetes 1.29 or later
	Plain   Shape = "plain"   // a second container, for older versions
	Wrapper Shape = "wrapper" // the parent of the app, in its container; needs no hook
)

// Settings determine what is injected. Begin with Defaults; the zero value is not valid.
type Settings struct {
	Shape Shape
	Mode  mode.Mode
	Image string // of the sidecar

	// LB is the name of the load balancer's preset. If empty, there is none.
	LB string

	// LBDelay is the time until the load balancer stops routing to a terminating pod. Negative
	// means that of the preset.
	LBDelay time.Duration

	Silence time.Duration // the longest required silence that the hold has room for after LBDelay

	// AppStop is how long the app needs to stop. 0 means the grace period of the pod, or 5 s if
	// that is Kubernetes' default.
	AppStop time.Duration

	// GracePeriod is the least grace period. 0 means LBDelay + Silence + AppStop + 3 s, rounded up
	// to a multiple of 30 s.
	GracePeriod time.Duration

	// Ports are the ports to protect, by name or number, with options of LAMEDUCK_ROUTES as in
	// 3306;proto=tcp. If empty, all ports are, except those for metrics and health checks.
	Ports []string

	// Resources and SecurityContext are those of Lameduck's container. Inject adapts the resources to
	// what the namespace demands.
	Resources       corev1.ResourceRequirements
	SecurityContext *corev1.SecurityContext

	PullSecrets []string // names of Secrets for pulling the image, which the pod gets too

	Env        map[string]string // more variables of Lameduck
	Kubernetes string            // version of the cluster, such as 1.28; empty counts as recent
}

// Defaults returns the default settings.
func Defaults() Settings {
	return Settings{
		Shape:   Native,
		Mode:    mode.Auto,
		Image:   "registry.example/lameduck:0.1",
		LBDelay: fromPreset,
		Silence: 30 * time.Second, // three times the gap of a client that sends a request every 10 s

		Resources:       defaultResources(),
		SecurityContext: restricted(),
	}
}

// clone returns a deep copy.
func (s Settings) clone() Settings {
	s.Ports, s.Env = slices.Clone(s.Ports), maps.Clone(s.Env)
	s.Resources, s.SecurityContext = *s.Resources.DeepCopy(), s.SecurityContext.DeepCopy()
	s.PullSecrets = slices.Clone(s.PullSecrets)
	return s
}
