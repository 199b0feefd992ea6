package inject

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lameduck/cmd/lameduck/config"
	"lameduck/deploy/ctl/mode"
)

// An Option is a setting with a name: the annotation lameduck.dev/NAME of a pod template, and the
// flag --NAME.
type Option struct {
	Name, Value, Usage string // Value is the kind of value, for the usage
	set                func(s *Settings, value string) error
}

// Options returns all options.
func Options() []Option {
	return append([]Option{
		{"shape", "shape", "native (Kubernetes 1.29 or later; the default), plain or wrapper", setShape},
		{"mode", "mode", mode.Names + " (default auto: move if every reference to the ports is by name, " +
			"else redirect where it is allowed, else observe)", setMode},
		{"image", "image", "image of the sidecar (default " + Defaults().Image + ")", setImage},
		{"lb", "name", "load balancer, whose preset determines lb-delay, grace-period and " +
			"LAMEDUCK_LB_HEALTH_PATHS unless they are set: " + presetNames(), setLB},
		{"lb-delay", "duration", "time until the load balancer stops routing to a terminating pod (default " +
			"that of lb, or 60s)",
			duration(func(s *Settings) *time.Duration { return &s.LBDelay })},
		{"silence", "duration", "time that the hold allows for the silence of clients after lb-delay " +
			"(default 30s)",
			duration(func(s *Settings) *time.Duration { return &s.Silence })},
		{"app-stop", "duration", "time that the app needs to stop (default the grace period of the pod, or " +
			"5s if that is 30s)",
			duration(func(s *Settings) *time.Duration { return &s.AppStop })},
		{"grace-period", "duration", "least grace period (default what the hold needs)",
			duration(func(s *Settings) *time.Duration { return &s.GracePeriod })},
		{"ports", "ports", "ports to protect, by name or number, with options, such as http,3306;proto=tcp " +
			"(default all but metrics)",
			setPorts},
		{"env", "variables", "further variables for lameduck, such as \"LAMEDUCK_HOLD_MIN=10s " +
			"LAMEDUCK_LOG_LEVEL=debug\"", setEnv},
	}, admissionOptions()...)
}

// Set sets an option by its name.
func (s *Settings) Set(name, value string) error {
	for _, o := range Options() {
		if o.Name == name {
			return o.set(s, value)
		}
	}
	return fmt.Errorf("unknown setting: use %s", optionNames())
}

// Override returns the settings with the overrides from the annotations of a pod template. A load
// balancer in the annotations also replaces the delay and the grace period, which were set for
// another one. The error has a Refusal for each unknown or malformed annotation.
func (s Settings) Override(annotations map[string]string) (Settings, error) {
	s = s.clone()
	if _, is := annotations[AnnotationPrefix+"lb"]; is {
		s.LBDelay, s.GracePeriod = fromPreset, 0
	}
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		name, is := strings.CutPrefix(key, AnnotationPrefix)
		if !is || key == InjectedAnnotation || key == ModeAnnotation {
			continue
		}
		err := s.Set(name, annotations[key])
		if key == InjectLabel {
			err = errors.New("it is a label: set it in metadata.labels of the pod template")
		}
		if err != nil {
			errs = append(errs, &Refusal{
				Field: "metadata.annotations[" + key + "]", Why: "invalid value", Remedy: err.Error(),
			})
		}
	}
	return s, errors.Join(errs...)
}

func optionNames() string {
	var names []string
	for _, o := range Options() {
		names = append(names, AnnotationPrefix+o.Name)
	}
	return strings.Join(names, ", ")
}

func setShape(s *Settings, value string) error {
	switch shape := Shape(value); shape {
	case Native, Plain, Wrapper:
		s.Shape = shape
		return nil
	}
	return errors.New("must be native, plain or wrapper")
}

func setImage(s *Settings, value string) error {
	if value == "" || strings.ContainsAny(value, " \t\n") {
		return errors.New("must be an image (for example registry.example/lameduck:0.1)")
	}
	s.Image = value
	return nil
}

// duration sets one that is not negative.
func duration(of func(*Settings) *time.Duration) func(*Settings, string) error {
	return func(s *Settings, value string) error {
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 || d > maxDuration {
			return errors.New("must be a duration of at most 24h (for example 90s)")
		}
		*of(s) = d
		return nil
	}
}

// maxDuration bounds the parts of a grace period. A day is longer than any termination.
const maxDuration = 24 * time.Hour

func setPorts(s *Settings, value string) error {
	s.Ports = nil
	for i, port := range strings.Split(value, ",") {
		if port = strings.TrimSpace(port); port == "" || port[0] == ';' {
			return errors.New("must be names or numbers of ports, comma-separated (for example http,9090)")
		}
		if _, options, ok := strings.Cut(port, ";"); ok {
			route, err := config.ParseRoute("18080=8080;" + options)
			if err != nil {
				return fmt.Errorf("port %d %w", i+1, err)
			}
			if route.AppTLS {
				return fmt.Errorf("port %d must not have tls: %s", i+1, noFiles)
			}
		}
		s.Ports = append(s.Ports, port)
	}
	return nil
}
