package inject

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lameduck/cmd/lameduck/config"
)

// An Option is a setting that has a name: the annotation lameduck.dev/NAME of a pod template, and the flag --NAME.
type Option struct {
	Name, Value, Usage string // Value is what it takes
	set                func(s *Settings, value string) error
}

// Options returns all of them.
func Options() []Option {
	return []Option{
		{"shape", "shape", "native (Kubernetes 1.29 or later; the default), plain or wrapper", setShape},
		{"image", "image", "image of the sidecar (default " + Defaults().Image + ")", setImage},
		{"lb-delay", "duration", "what the load balancer takes to let go of a pod (default 60s)", duration(func(s *Settings) *time.Duration { return &s.LBDelay })},
		{"silence", "duration", "longest silence of a source for which the hold has room after that (default 30s)", duration(func(s *Settings) *time.Duration { return &s.Silence })},
		{"app-stop", "duration", "what the app needs to stop (default the grace period that the pod has, but 5s where that is Kubernetes' 30s)", duration(func(s *Settings) *time.Duration { return &s.AppStop })},
		{"grace-period", "duration", "grace period at the least (default what the hold needs)", duration(func(s *Settings) *time.Duration { return &s.GracePeriod })},
		{"ports", "ports", "ports to relay, by name or number, each with options, as in http,3306;proto=tcp (default all that serve)", setPorts},
		{"env", "variables", "more variables of lameduck, as in \"LAMEDUCK_HOLD_MIN=10s LAMEDUCK_LOG_LEVEL=debug\"", setEnv},
	}
}

// Set sets one by its name.
func (s *Settings) Set(name, value string) error {
	for _, o := range Options() {
		if o.Name == name {
			return o.set(s, value)
		}
	}
	return fmt.Errorf("there is no such setting: use %s", optionNames())
}

// Override returns the settings with what the annotations of a pod template say instead. What is unknown or malformed is an error, all of
// them at once, each with the remedy.
func (s Settings) Override(annotations map[string]string) (Settings, error) {
	s = s.clone()
	var faults []error
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		name, ours := strings.CutPrefix(key, AnnotationPrefix)
		if !ours || key == InjectedAnnotation {
			continue
		}
		if err := s.Set(name, annotations[key]); err != nil {
			faults = append(faults, &Refusal{
				Field: "metadata.annotations[" + key + "]", Why: "the value cannot be used", Remedy: err.Error(),
			})
		}
	}
	return s, errors.Join(faults...)
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

// maxDuration bounds what is added up to a grace period. A day is more than anybody waits.
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
