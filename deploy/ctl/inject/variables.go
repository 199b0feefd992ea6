package inject

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"lameduck/cmd/lameduck/config"
	"lameduck/deploy/ctl/mode"
)

// The variables that Inject sets itself.
const (
	routesVariable  = "LAMEDUCK_ROUTES"
	graceVariable   = "LAMEDUCK_GRACE_PERIOD"
	appStopVariable = "LAMEDUCK_APP_STOP"
)

// noFiles is the reason why an injected sidecar cannot terminate TLS.
const noFiles = "inject mounts no files: use the component, and a patch that mounts them"

// reserved are the variables that must agree with Inject's changes to the pod, each with what to
// use instead.
var reserved = map[string]string{
	routesVariable:           "use " + AnnotationPrefix + "ports",
	observeVariable:          "use " + AnnotationPrefix + "ports and " + mode.Annotation,
	observeProbesVariable:    "inject reads the probes of the pod",
	hostIPVariable:           "inject refers to the status of the pod",
	graceVariable:            "use " + AnnotationPrefix + "grace-period",
	appStopVariable:          "use " + AnnotationPrefix + "app-stop",
	"LAMEDUCK_ADMIN":         "hooks and probes use port 18081",
	"LAMEDUCK_CONTROL":       "the preStop hook uses port 18082",
	"LAMEDUCK_TLS_CERT":      noFiles,
	"LAMEDUCK_TLS_KEY":       noFiles,
	"LAMEDUCK_TLS_CLIENT_CA": noFiles,
}

// checkVariable returns an error with the remedy for a variable that cannot be set. Conflicts
// between variables are checked later, when all are known.
func checkVariable(name, value string) error {
	if instead, is := reserved[name]; is {
		return fmt.Errorf("%s: must not be set here: %s", name, instead)
	}
	err := config.Check(name, value)
	if err != nil && !config.IsKnown(name) {
		return fmt.Errorf("%s: unknown variable: use %s", name, strings.Join(freeVariables(), ", "))
	}
	return err
}

// freeVariables returns the names of the variables that users can set.
func freeVariables() []string {
	var names []string
	for _, v := range config.Variables() {
		if _, is := reserved[v.Name]; !is {
			names = append(names, v.Name)
		}
	}
	return names
}

// parseAssignments reads NAME=VALUE, separated by white space. An error does not quote anything
// else: it may be a part of a secret.
func parseAssignments(text string) (map[string]string, error) {
	env := make(map[string]string)
	var errs []error
	for i, assignment := range strings.Fields(text) {
		name, value, ok := strings.Cut(assignment, "=")
		if !ok || !strings.HasPrefix(name, config.Prefix) {
			errs = append(errs, fmt.Errorf("must be LAMEDUCK_NAME=VALUE, separated by spaces, item %d is not",
				i+1))
			continue
		}
		if err := checkVariable(name, value); err != nil {
			errs = append(errs, err)
		}
		env[name] = value
	}
	return env, errors.Join(errs...)
}

// checkEnvironment refuses a configuration that Lameduck would refuse, since such a pod would not
// start.
func (j *injection) checkEnvironment() error {
	env, own := make(map[string]string), make(map[string]string)
	wrapped := j.wrappedContainer()
	if wrapped != nil {
		addLiterals(own, wrapped.Env)
	}
	maps.Copy(env, own)
	addLiterals(env, j.environment())
	_, err := config.Parse(env)
	var problems config.Problems
	if !errors.As(err, &problems) {
		return err
	}
	var refusals []error
	for _, p := range problems {
		r := &Refusal{"metadata.annotations[" + AnnotationPrefix + "env]", p.Error(), remedy(p.Variable)}
		if _, is := own[p.Variable]; is {
			r.Field, r.Remedy = wrapped.field()+".env", "change it"
		}
		refusals = append(refusals, r)
	}
	return errors.Join(refusals...)
}

// remedy returns how to change a variable.
func remedy(name string) string {
	switch name {
	case routesVariable, observeVariable:
		return "change " + AnnotationPrefix + "ports"
	case graceVariable, appStopVariable:
		return "change " + AnnotationPrefix + "grace-period or " + AnnotationPrefix + "app-stop"
	}
	return "change it, or use a longer " + AnnotationPrefix + "grace-period if it does not fit"
}

// addLiterals adds the variables whose values are known before the pod runs.
func addLiterals(env map[string]string, list []corev1.EnvVar) {
	for _, v := range list {
		if v.ValueFrom == nil && !strings.Contains(v.Value, "$(") {
			env[v.Name] = v.Value
		}
	}
}

// list returns the members of a comma-separated list.
func list(value string) []string {
	members := strings.Split(value, ",")
	for i := range members {
		members[i] = strings.TrimSpace(members[i])
	}
	return slices.DeleteFunc(members, func(m string) bool { return m == "" })
}

// setEnv adds variables to those that are set.
func setEnv(s *Settings, value string) error {
	added, err := parseAssignments(value)
	if err != nil {
		return err
	}
	env := maps.Clone(s.Env)
	if env == nil {
		env = make(map[string]string)
	}
	maps.Copy(env, added)
	s.Env = env
	return nil
}
