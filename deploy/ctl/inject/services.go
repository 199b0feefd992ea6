package inject

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"lameduck/deploy/ctl/mode"
)

// ForServices returns the plan with notes on the given Services, instead of general notes on
// Services. If none of the Services selects the pods, it returns the plan unchanged.
func (p Plan) ForServices(pod labels.Set, services []*corev1.Service) Plan {
	if p.Choice.Mode.KeepsPorts() {
		return p
	}
	var notes []Note
	selected := false
	for _, s := range services {
		if !mode.Selects(s, pod) {
			continue
		}
		selected = true
		for _, r := range p.Routes {
			notes = append(notes, p.serviceNotes(r, s)...)
		}
	}
	if selected {
		general := func(n Note) bool {
			return slices.ContainsFunc(p.Routes, func(r Route) bool { return n == p.routeNote(r) })
		}
		p.Notes = append(notes, slices.DeleteFunc(slices.Clone(p.Notes), general)...)
	}
	return p
}

// serviceNotes returns what to change in a Service that selects the pods, for a route.
func (p Plan) serviceNotes(r Route, s *corev1.Service) []Note {
	var notes []Note
	note := func(format string, args ...any) {
		notes = append(notes, Note{Field: r.field(), Text: "Service " + s.Name + ": " + fmt.Sprintf(format,
			args...)})
	}
	for _, port := range s.Spec.Ports {
		target := port.TargetPort
		if target == (intstr.IntOrString{}) {
			target = intstr.FromInt32(port.Port)
		}
		instead := r.Name
		if instead == "" {
			instead = fmt.Sprint(r.Listen)
		}
		switch {
		case p.uninject && target == intstr.FromInt32(r.Listen):
			note("targetPort %d will refuse connections after the rollout: change it to %d before", r.Listen,
				r.App)
		case p.uninject:
			// A name follows the port, and the app's number is right.
		case s.Spec.ClusterIP == corev1.ClusterIPNone && port.Port == r.App:
			note("headless: clients that connect to port %d of a pod bypass Lameduck, which listens on %d",
				r.App, r.Listen)
		case target == intstr.FromInt32(r.App):
			note("targetPort %d bypasses Lameduck: change it to %s after the rollout", r.App, instead)
		}
	}
	return notes
}

// routeNote returns a general note on Services for a route.
func (p Plan) routeNote(r Route) Note {
	text := fmt.Sprintf("a Service with targetPort %d bypasses Lameduck: change it to %d after the rollout",
		r.App, r.Listen)
	if r.Name != "" {
		text = fmt.Sprintf("%s now means %d: a Service with targetPort %s needs no change, and one with %d "+
			"bypasses Lameduck "+
			"until it is changed to %s", r.Name, r.Listen, r.Name, r.App, r.Name)
	}
	if p.uninject {
		text = fmt.Sprintf("port %d will refuse connections after the rollout: change a Service with that "+
			"targetPort to %d before",
			r.Listen, r.App)
	}
	return Note{Field: r.field(), Text: text}
}
