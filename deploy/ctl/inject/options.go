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
		if _, options, _ := strings.Cut(port, ";"); !rightOptions(options) {
			return errors.New("of options say proto=auto, http1, h2c or tcp, proxy, or passthrough")
		}
		s.Ports = append(s.Ports, port)
	}
	return nil
}

// rightOptions says whether Lameduck takes the options of a route; tls needs files, which inject does not bring.
func rightOptions(options string) bool {
	if options == "" {
		return true
	}
	for option := range strings.SplitSeq(options, ";") {
		switch option {
		case "proxy", "passthrough", "proto=auto", "proto=http1", "proto=h2c", "proto=tcp":
		default:
			return false
		}
	}
	return true
}

func setEnv(s *Settings, value string) error {
	env := maps.Clone(s.Env)
	if env == nil {
		env = make(map[string]string)
	}
	for _, assignment := range strings.Fields(value) {
		name, value, found := strings.Cut(assignment, "=")
		if err := checkVariable(name, value, found); err != nil {
			return err
		}
		env[name] = value
	}
	s.Env = env
	return nil
}
