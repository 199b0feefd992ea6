package inject

import (
	"errors"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/ctl/mode"
)

// ModeAnnotation has the mode of an injected pod, why it was chosen, and what to change for a
// better one.
const ModeAnnotation = AnnotationPrefix + "injected-mode"

// ways has a function for each mode that this version can inject. It changes the pod so that
// Lameduck relays or observes the chosen ports.
var ways = map[mode.Mode]func(*injection) error{
	mode.Move:     (*injection).moveRoutes,
	mode.Redirect: (*injection).redirectPorts,
	mode.Takeover: (*injection).takeOverPorts,
	mode.Observe:  (*injection).observePorts,
}

// Modes returns the modes that this version can inject.
func Modes() []mode.Mode { return slices.Sorted(maps.Keys(ways)) }

func setMode(s *Settings, value string) (err error) {
	s.Mode, err = mode.Parse(value)
	return err
}

// choosePorts chooses the ports to protect. Ports that only Services declare, by number, can be
// protected in any mode but move.
func (j *injection) choosePorts() (err error) {
	j.ports = servedPorts(&j.pod.Spec)
	if len(j.settings.Ports) > 0 {
		j.chosen, err = chosenPorts(j.settings.Ports, j.ports)
		return err
	}
	use, undeclared := portUse{j}, j.undeclaredPorts()
	clients, others := use.clientPorts()
	if len(clients) == 0 && len(undeclared) == 0 {
		clients, others = use.used(others)
	}
	for _, p := range clients {
		j.chosen = append(j.chosen, p.route(""))
	}
	if j.settings.Mode != mode.Move {
		j.chosen = append(j.chosen, undeclared...)
	}
	switch {
	case len(j.chosen) > 0:
		use.noteUnprotected(others)
		return nil
	case len(undeclared) > 0:
		return &Refusal{
			"spec.containers",
			"no container declares a TCP port",
			"declare the ports of the app, or use " + AnnotationPrefix + "ports: \"8080\"",
		}
	case len(others) > 0:
		return onlyMetrics(others)
	}
	return errNoPorts
}

// undeclaredPorts returns routes for the ports that a Service has as numbers and no container
// declares.
func (j *injection) undeclaredPorts() []Route {
	var routes []Route
	for _, sp := range j.around.NumericTargets(j.pod.Labels) {
		number := sp.TargetPort.IntVal
		declared := slices.ContainsFunc(j.ports, func(p port) bool { return p.ContainerPort == number })
		known := func(r Route) bool { return r.App == number }
		ours := number == AdminPort || number == ControlPort
		if declared || ours || IsForMetrics(sp.Name) || slices.ContainsFunc(routes, known) {
			continue
		}
		routes = append(routes, Route{App: number})
	}
	return routes
}

// chooseMode chooses the mode for the chosen ports.
func (j *injection) chooseMode() error {
	pod := mode.Pod{
		Template: j.pod, Asked: j.settings.Mode, Wrapper: j.settings.Shape == Wrapper, Has: Modes(),
	}
	if why := j.notWrapped; why != nil {
		pod.NotWrapped = &mode.UnavailableError{Field: why.Field, Why: why.Why, Remedy: why.Remedy}
	}
	for _, r := range j.chosen {
		pod.Ports = append(pod.Ports, mode.Port{Number: r.App, Name: r.Name})
	}
	choice, err := mode.Choose(pod, j.around)
	if unavailable := (*mode.UnavailableError)(nil); errors.As(err, &unavailable) {
		return &Refusal{unavailable.Field, unavailable.Why, unavailable.Remedy}
	}
	j.choice = choice
	return err
}

// applyMode changes the pod as the mode needs it.
func (j *injection) applyMode() error { return ways[j.choice.Mode](j) }

// writeMode writes the annotation with the mode.
func (j *injection) writeMode() error {
	j.record.Mode = j.choice.Mode
	if j.image.Command {
		j.choice.Reason += ", with the entrypoint of the image " + j.image.Config.Digest
	}
	j.annotate(ModeAnnotation, j.choice.String())
	return nil
}

// portVariables returns the variables that have the ports.
func (j *injection) portVariables() []corev1.EnvVar {
	if j.choice.Mode == mode.Observe {
		return j.observeVariables()
	}
	return []corev1.EnvVar{{Name: routesVariable, Value: joinRoutes(j.routes)}}
}
