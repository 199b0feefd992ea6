package inject

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// An Option is a setting that has a name: the annotation lameduck.dev/NAME of a pod template, and the flag --NAME.
type Option struct {
	Name, Usage string
	set         func(s *Settings, value string) error
}

// Options returns all of them.
func Options() []Option {
	return []Option{
		{"shape", "native (Kubernetes 1.29 or later), plain or wrapper", setShape},
		{"image", "image of the sidecar", setImage},
		{"lb-delay", "what the load balancer takes to let go of a pod", duration(func(s *Settings) *time.Duration { return &s.LBDelay })},
		{"silence", "longest silence of a source for which the hold has room after that", duration(func(s *Settings) *time.Duration { return &s.Silence })},
		{"app-stop", "what the app needs to stop; 0: the grace period that the pod has, but 5s where that is Kubernetes' 30s", duration(func(s *Settings) *time.Duration { return &s.AppStop })},
		{"grace-period", "grace period at the least; 0: what the hold needs", duration(func(s *Settings) *time.Duration { return &s.GracePeriod })},
		{"ports", "ports to relay, by name or number, comma-separated, each with options as in 3306;proto=tcp; none: all that serve", setPorts},
		{"env", "more variables of lameduck, as in LAMEDUCK_HOLD_MIN=10s, separated by spaces", setEnv},
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
				Field: "metadata.annotations[" + key + "]", Why: fmt.Sprintf("%q cannot be used", annotations[key]), Remedy: err.Error(),
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
	return errors.New("use native, plain or wrapper")
}

func setImage(s *Settings, value string) error {
	if value == "" || strings.ContainsAny(value, " \t\n") {
		return errors.New("say an image, as registry.of.yours/lameduck:0.1")
	}
	s.Image = value
	return nil
}

// duration sets one that is not negative.
func duration(of func(*Settings) *time.Duration) func(*Settings, string) error {
	return func(s *Settings, value string) error {
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 || d > maxDuration {
			return errors.New("say a duration, as 90s or 2m, of a day at the most")
		}
		*of(s) = d
		return nil
	}
}

// maxDuration bounds what is added up to a grace period. A day is more than anybody waits.
const maxDuration = 24 * time.Hour

func setPorts(s *Settings, value string) error {
	s.Ports = nil
	for port := range strings.SplitSeq(value, ",") {
		if port = strings.TrimSpace(port); port == "" || port[0] == ';' {
			return errors.New("say names or numbers, comma-separated, as http,9090")
		}
		s.Ports = append(s.Ports, port)
	}
	return nil
}

func setEnv(s *Settings, value string) error {
	env := maps.Clone(s.Env)
	if env == nil {
		env = make(map[string]string)
	}
	for _, assignment := range strings.Fields(value) {
		name, value, found := strings.Cut(assignment, "=")
		if err := knownVariable(name, found); err != nil {
			return err
		}
		env[name] = value
	}
	s.Env = env
	return nil
}
