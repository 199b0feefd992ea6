package inject

import (
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/ctl/jsonpatch"
	"lameduck/deploy/ctl/mode"
)

// A Workload has the pod template to change.
type Workload struct {
	Kind     string                  // "Deployment", "Job", ..., "Pod"
	Template *corev1.PodTemplateSpec // read only
	Around   *mode.Around            // of its namespace; nil if nothing is known

	// Image is the answer to the Question of an earlier plan. If it is nil, ImageUnknown is the
	// reason, or empty if no registry was asked.
	Image        *ImageConfig
	ImageUnknown string

	// Reinvoked reports whether the template is of a pod that is being created and that Inject has
	// changed already. The recorded image configuration stays valid, even if another webhook has
	// replaced the image with a copy in another registry.
	Reinvoked bool

	// NoMetadata reports whether the manifest of the template has no metadata, Quote returns the quotes
	// of a scalar at a JSON Pointer in it, and Null the text of a null. They matter for what Uninject
	// restores. The functions may be nil.
	NoMetadata bool
	Quote      func(pointer string) string
	Null       func(pointer string) (text string, is bool)
}

// A Note is a consequence that the user must know.
type Note struct {
	Field string // of the pod template
	Text  string
}

// A Plan is the change of a pod template.
type Plan struct {
	// Template is the pod template with the change. It shares nothing with the one of the Workload.
	Template *corev1.PodTemplateSpec

	// Patch changes the template, with paths relative to it. It is empty if there is nothing to do.
	// It keeps what the API server and other webhooks have added to Lameduck's container.
	Patch  []jsonpatch.Operation
	Notes  []Note
	Routes []Route // that are added, or removed by Uninject

	// Question is what to ask a registry for a better plan. It is nil if nothing is missing. A plan that
	// is refused may have one too.
	Question *ImageQuestion

	Choice  mode.Choice // the mode; zero if the pod is not injected
	Skipped string      // why the pod must not be injected

	uninject bool
}

// Inject plans how to add Lameduck to a pod, or how to update it. The lameduck.dev annotations of
// the template override the settings. Pods that run to completion or opt out get no Lameduck. The
// error is a *Refusal or a join of several.
func Inject(w Workload, s Settings) (Plan, error) {
	if reason := skipReason(w); reason != "" {
		return skip(w, reason)
	}
	s, err := s.Override(w.Template.Annotations)
	if err != nil {
		return Plan{}, err
	}
	was, err := original(w.Template)
	if err != nil {
		return Plan{}, err
	}
	j := &injection{
		settings: s, given: w, around: w.Around, limits: limitsOf(w.Around), pod: was, current: w.Template,
	}
	err = j.run()
	if none := (*noClientsError)(nil); errors.As(err, &none) {
		return skip(w, none.why+otherProtocols(w.Template))
	}
	if err != nil {
		return Plan{Question: j.question}, err
	}
	return Plan{Template: j.pod, Patch: diffWorkload(w, j.pod, j.record), Notes: j.notes,
		Routes: j.routes, Choice: j.choice, Question: j.question}.withRouteNotes(), nil
}

// Uninject plans how to remove Lameduck, from the record in the annotation lameduck.dev/injected.
// Later changes by others stay. The error is a *Refusal if others have added Lameduck.
func Uninject(w Workload) (Plan, error) {
	if err := notOurs(w.Template); err != nil {
		return Plan{}, err
	}
	return uninject(w)
}

// notOurs returns a refusal for a pod with Lameduck that has no record.
func notOurs(t *corev1.PodTemplateSpec) error {
	if _, injected := t.Annotations[InjectedAnnotation]; injected {
		return nil
	}
	for _, c := range allContainers(&t.Spec) {
		if isInit(*c.Container) {
			return &Refusal{
				c.field(),
				"the pod has a container " + c.Name + " and no annotation " + InjectedAnnotation +
					", so inject does not know what to remove",
				"remove it by hand, or the component that adds it",
			}
		}
	}
	return nil
}

func uninject(w Workload) (Plan, error) {
	was, err := original(w.Template)
	if err != nil {
		return Plan{}, err
	}
	p := Plan{Template: was, Patch: diffWorkload(w, was, recordOf(w.Template)), Routes: restoredRoutes(w.Template, was),
		uninject: true}
	return p.withRouteNotes(), nil
}

// withRouteNotes adds notes on Services. Where the ports stay, nothing has to change in any.
func (p Plan) withRouteNotes() Plan {
	if p.Choice.Mode.KeepsPorts() {
		return p
	}
	for _, r := range p.Routes {
		p.Notes = append(p.Notes, p.routeNote(r))
	}
	return p
}

// restoredRoutes returns the routes of ports that mean the app's ports again.
func restoredRoutes(now, was *corev1.PodTemplateSpec) []Route {
	var routes []Route
	before := servedPorts(&now.Spec)
	for _, p := range servedPorts(&was.Spec) {
		for _, b := range before {
			if b.in.Name == p.in.Name && b.index == p.index && b.ContainerPort != p.ContainerPort {
				routes = append(routes, Route{
					Listen: b.ContainerPort, App: p.ContainerPort, Name: p.Name,
					Field: p.in.portField(p.index),
				})
			}
		}
	}
	return routes
}

// skip plans for a pod that must not have Lameduck. It removes one that is there.
func skip(w Workload, reason string) (Plan, error) {
	p, err := uninject(w)
	p.Notes, p.Skipped = []Note{{Field: "spec", Text: "not injected: " + reason}}, reason
	return p, err
}

// skipReason returns why a pod must not have Lameduck, or an empty string.
func skipReason(w Workload) string {
	policy := w.Template.Spec.RestartPolicy
	switch {
	case w.Template.Labels[InjectLabel] == "disabled":
		return "it has the label " + InjectLabel + "=disabled"
	case w.Kind == "Job" || w.Kind == "CronJob":
		return "a " + w.Kind + " runs to completion, so there is nothing to drain"
	case w.Kind == "Pod" && (policy == corev1.RestartPolicyNever || policy == corev1.RestartPolicyOnFailure):
		return fmt.Sprintf("a pod with restartPolicy %s runs to completion, so there is nothing to drain",
			policy)
	}
	return ""
}

// An injection is the state of one Inject call.
type injection struct {
	settings Settings
	given    Workload
	around   *mode.Around
	limits   limits
	pod      *corev1.PodTemplateSpec // changed step by step
	current  *corev1.PodTemplateSpec // as it is, perhaps injected; read only
	record   record
	grace    time.Duration // of the pod after the change
	ports    []port        // declared, of the pod
	chosen   []Route       // of the ports to protect; what they listen on is not known yet
	choice   mode.Choice

	notWrapped *Refusal       // why the shape is not the wrapper, although it was asked for
	image      recordedImage  // of the app to wrap
	question   *ImageQuestion // about it
	stopSignal string         // of the wrapped app; empty if it is SIGTERM or set by the user

	routes   []Route  // that Lameduck relays
	rules    []string // arguments of the init container of mode redirect
	observed []int32  // ports that it observes
	notes    []Note

	resources corev1.ResourceRequirements // of Lameduck's container
}

func (j *injection) run() error {
	hooks, mesh := holdHooks{j}, meshLists{j}
	steps := []func() error{
		j.validate, j.nameUnprotected, j.choosePorts, appImage{j}.chooseShape, j.chooseMode, j.applyMode,
		j.applyPreset, j.releaseSessions, j.raiseGracePeriod, j.checkEnvironment, j.computeResources,
		hooks.addHoldHooks, j.addRules, j.addSidecar, j.addPullSecrets, mesh.excludeFromMesh,
		mesh.followInMesh, portUse{j}.followScrapes, j.writeMode, j.writeRecord,
	}
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
