package inject

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/ctl/jsonpatch"
)

// A Workload is what a plan is made for.
type Workload struct {
	Kind     string                  // "Deployment", "Job", ..., "Pod"
	Template *corev1.PodTemplateSpec // read only
}

// A Note says what follows for the user.
type Note struct {
	Field string // of the pod template
	Text  string
}

// A Plan is what is to be done, in this order, and what follows from it. No operation: nothing is to be done.
type Plan struct {
	Patch  []jsonpatch.Operation
	Notes  []Note
	Routes []Route // that come in or, of an Eject, go out

	ejects bool
}

// Inject plans how Lameduck comes into a pod. The lameduck.dev annotations of the template override the settings. What is injected already is
// brought to the settings; if it is as they say, the patch is empty. Nothing is planned for pods that run to their end, nor
// for those that opt out. The error is a *Refusal, or several that are joined.
func Inject(w Workload, s Settings) (Plan, error) {
	if reason := unserving(w); reason != "" {
		return withdraw(w, reason)
	}
	s, err := s.Override(w.Template.Annotations)
	if err != nil {
		return Plan{}, err
	}
	was, err := original(w.Template)
	if err != nil {
		return Plan{}, err
	}
	j := &injection{settings: s, pod: was, current: w.Template}
	if err := j.run(); err != nil {
		return Plan{}, err
	}
	return Plan{Patch: diff(w.Template, j.pod), Notes: j.notes, Routes: j.routes}.withRouteNotes(), nil
}

// Eject plans the reverse, from what Inject has noted in the annotation lameduck.dev/injected. What others have changed since
// then stays as they want it.
func Eject(w Workload) (Plan, error) {
	was, err := original(w.Template)
	if err != nil {
		return Plan{}, err
	}
	return Plan{Patch: diff(w.Template, was), Routes: movedBack(w.Template, was), ejects: true}.withRouteNotes(), nil
}

func (p Plan) withRouteNotes() Plan {
	for _, r := range p.Routes {
		p.Notes = append(p.Notes, p.routeNote(r))
	}
	return p
}

// movedBack returns the routes of ports that mean the app's again.
func movedBack(now, was *corev1.PodTemplateSpec) []Route {
	var routes []Route
	before := servedPorts(&now.Spec)
	for _, p := range servedPorts(&was.Spec) {
		for _, b := range before {
			if b.in.Name == p.in.Name && b.index == p.index && b.ContainerPort != p.ContainerPort {
				routes = append(routes, Route{Listen: b.ContainerPort, App: p.ContainerPort, Name: p.Name, Field: p.in.portField(p.index)})
			}
		}
	}
	return routes
}

// withdraw ejects from a pod that is not to have Lameduck, and says why.
func withdraw(w Workload, reason string) (Plan, error) {
	p, err := Eject(w)
	p.Notes = []Note{{Field: "spec", Text: reason}}
	return p, err
}

// unserving says why a pod gets no Lameduck; empty: it gets one.
func unserving(w Workload) string {
	policy := w.Template.Spec.RestartPolicy
	switch {
	case w.Template.Labels[InjectLabel] == "disabled":
		return "left as it is: its label " + InjectLabel + " says disabled"
	case w.Kind == "Job" || w.Kind == "CronJob":
		return "left as it is: a " + w.Kind + " runs to its end, and nothing is held"
	case w.Kind == "Pod" && (policy == corev1.RestartPolicyNever || policy == corev1.RestartPolicyOnFailure):
		return fmt.Sprintf("left as it is: a pod with restartPolicy %s runs to its end, and nothing is held", policy)
	}
	return ""
}

// An injection is one at work.
type injection struct {
	settings Settings
	pod      *corev1.PodTemplateSpec // changed, step by step
	current  *corev1.PodTemplateSpec // as it is now, perhaps injected; read only
	record   record
	grace    time.Duration // of the pod, in the end
	routes   []Route
	notes    []Note
}

func (j *injection) run() error {
	steps := []func() error{j.admit, j.route, j.grant, j.checkEnvironment, j.hold, j.enter, j.pass, j.remember}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (j *injection) note(field, format string, args ...any) {
	j.notes = append(j.notes, Note{Field: field, Text: fmt.Sprintf(format, args...)})
}
