package inject

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// ForServices returns the plan with notes on what has to be done to the Services that are known, instead of those on what a Service would need. If
// none of them selects the pods, the notes stay as they are.
func (p Plan) ForServices(pod labels.Set, services []*corev1.Service) Plan {
	var notes []Note
	selected := false
	for _, s := range services {
		if len(s.Spec.Selector) == 0 || !labels.SelectorFromSet(s.Spec.Selector).Matches(pod) {
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

// serviceNotes says what a Service that selects the pods needs for a route.
func (p Plan) serviceNotes(r Route, s *corev1.Service) []Note {
	var notes []Note
	note := func(format string, args ...any) {
		notes = append(notes, Note{Field: r.field(), Text: "Service " + s.Name + ": " + fmt.Sprintf(format, args...)})
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
		case p.ejects && target == intstr.FromInt32(r.Listen):
			note("nobody is at targetPort %d after the rollout: let it say %d before", r.Listen, r.App)
		case p.ejects:
			// A name goes back with the port, and a number of the app's is right.
		case s.Spec.ClusterIP == corev1.ClusterIPNone && port.Port == r.App:
			note("headless: clients that connect to port %d of a pod reach the app itself; Lameduck is at %d", r.App, r.Listen)
		case target == intstr.FromInt32(r.App):
			note("targetPort %d goes to the app itself: after the rollout let it say %s", r.App, instead)
		}
	}
	return notes
}

// routeNote says what a Service that is not known would need.
func (p Plan) routeNote(r Route) Note {
	text := fmt.Sprintf("a Service with targetPort %d goes to the app itself: after the rollout let it say %d", r.App, r.Listen)
	if r.Name != "" {
		text = fmt.Sprintf("%s means %d now: a Service with targetPort %s needs no edit, and one with %d goes to the app itself until it says %s",
			r.Name, r.Listen, r.Name, r.App, r.Name)
	}
	if p.ejects {
		text = fmt.Sprintf("nobody is at %d after the rollout: let a Service with that targetPort say %d before", r.Listen, r.App)
	}
	return Note{Field: r.field(), Text: text}
}
