package inject

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"lameduck/cmd/lameduck/config"
)

// stopSignalVariable is set to the image's stop signal, because the kubelet sends that to Lameduck.
const stopSignalVariable = "LAMEDUCK_STOP_SIGNAL"

// An ImageConfig is what the configuration of an image defines for its process.
type ImageConfig struct {
	Digest     string   `json:"digest,omitempty"` // of the image or the index in the registry
	Entrypoint []string `json:"entrypoint,omitempty"`
	Cmd        []string `json:"cmd,omitempty"`
	StopSignal string   `json:"stopSignal,omitempty"` // a name or a number; empty means SIGTERM
}

// An ImageQuestion asks for the configuration of the image of a wrapped app.
type ImageQuestion struct {
	Image   string
	Secrets []string // names of the pod's pull Secrets
}

// Images answers questions about images. The text of an error is for users and has no secrets.
type Images interface {
	Ask(ctx context.Context, namespace string, q ImageQuestion) (ImageConfig, error)
}

// Ask plans an injection like Inject. If the plan has a question, Ask asks images and plans again.
// images may be nil.
func Ask(ctx context.Context, images Images, w Workload, s Settings) (Plan, error) {
	plan, err := Inject(w, s)
	if plan.Question == nil || images == nil {
		return plan, err
	}
	return Inject(w.Answered(images.Ask(ctx, w.Around.Name(), *plan.Question)), s)
}

// Answered returns the workload with the answer to the question of its plan.
func (w Workload) Answered(c ImageConfig, err error) Workload {
	if err != nil {
		w.ImageUnknown = err.Error()
		return w
	}
	w.Image = &c
	return w
}

// A recordedImage is what the injection of a wrapper has learned of the app's image.
type recordedImage struct {
	Name    string       `json:"name"`
	Config  *ImageConfig `json:"config,omitempty"`
	Unknown string       `json:"unknown,omitempty"` // why there is no Config
	Command bool         `json:"command,omitempty"` // the container's command is that of the image
}

// appImage is the image of an injection's app, as far as the wrapper depends on it.
type appImage struct{ *injection }

// resolveImage determines the image configuration of the container to wrap: the caller's answer,
// else the recorded one, since a second injection must not depend on a registry.
func (j appImage) resolveImage(c *container) {
	j.image = recordedImage{Name: c.Image, Config: j.given.Image, Unknown: j.given.ImageUnknown}
	was := recordOf(j.current).Image
	if j.image.Config == nil && j.image.Unknown == "" && was != nil &&
		(was.Name == c.Image || j.given.Reinvoked) {
		j.image = recordedImage{Name: was.Name, Config: was.Config, Unknown: was.Unknown}
	}
	if j.image.Config == nil && j.given.ImageUnknown == "" && !j.given.Reinvoked && j.needsImage(c) {
		j.question = &ImageQuestion{Image: c.Image, Secrets: pullSecrets(&j.pod.Spec)}
	}
}

// needsImage reports whether the manifest lacks what the image defines: the command of the process or
// its stop signal.
func (j appImage) needsImage(c *container) bool {
	return len(c.Command) == 0 || !j.setsStopSignal(c) && stopSignalOf(c.Lifecycle) == ""
}

// maxPullSecrets bounds the Secrets that are read for one pod.
const maxPullSecrets = 8

func pullSecrets(spec *corev1.PodSpec) []string {
	var names []string
	for _, s := range spec.ImagePullSecrets {
		if len(names) < maxPullSecrets && !slices.Contains(names, s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
}

// whyNotWrapped returns why Lameduck cannot be the parent of the app, or nil.
func (j appImage) whyNotWrapped() *Refusal {
	c := j.wrappedContainer()
	if c == nil || c.list != "containers" {
		return &Refusal{
			"spec.initContainers",
			"the port is of a native sidecar, which cannot be wrapped",
			"use shape native",
		}
	}
	for _, r := range j.chosen {
		if r.container != "" && r.container != c.Name {
			return &Refusal{r.Field, "containers " + c.Name + " and " + r.container + " have ports to " +
				"protect, and only one can be wrapped",
				"list the ports of one container in " + AnnotationPrefix + "ports"}
		}
	}
	j.resolveImage(c)
	if why := j.whyNoCommand(c); why != nil {
		return why
	}
	return j.whyNoStopSignal(c)
}

// whyNoCommand returns why the command of the app is unknown, or nil.
func (j appImage) whyNoCommand(c *container) *Refusal {
	const add = "add the command that the image runs"
	at := c.field() + ".command"
	switch known := j.image.Config; {
	case len(c.Command) > 0:
		return nil
	case known == nil && j.image.Unknown == "":
		return &Refusal{at, "it is empty, and no registry may be asked for the entrypoint of the image",
			add + ", or allow the registry with --entrypoint-registries"}
	case known == nil:
		return &Refusal{at, "it is empty, and the entrypoint of the image is unknown: " + j.image.Unknown, add}
	case len(known.Entrypoint) == 0 && len(known.Cmd) == 0 && len(c.Args) == 0:
		return &Refusal{at, "it is empty, and the image has no command either", add}
	}
	return nil
}

// appCommand returns the command of a container, as its process must get it, without the manifest's
// arguments.
func (j appImage) appCommand(c *container) []string {
	if len(c.Command) > 0 {
		return c.Command
	}
	// The kubelet drops the CMD of an image if the manifest has a command, as it does here. The
	// manifest's arguments replace the CMD anyway.
	command := slices.Clone(j.image.Config.Entrypoint)
	if len(c.Args) == 0 {
		command = append(command, j.image.Config.Cmd...)
	}
	for i := range command {
		// It expands $(NAME) in a manifest, and nothing in an image. In a manifest $$ means $.
		command[i] = strings.ReplaceAll(command[i], "$", "$$")
	}
	return command
}

// setsStopSignal reports whether the user sets the variable.
func (j appImage) setsStopSignal(c *container) bool {
	_, set := j.settings.Env[stopSignalVariable]
	return set || slices.ContainsFunc(c.Env, func(v corev1.EnvVar) bool { return v.Name == stopSignalVariable })
}

// stopSignalOf returns the stop signal of a manifest, which replaces that of the image.
func stopSignalOf(l *corev1.Lifecycle) string {
	if l == nil || l.StopSignal == nil {
		return ""
	}
	return string(*l.StopSignal)
}

// whyNoStopSignal determines the stop signal of the app. It returns why Lameduck cannot receive it,
// or nil.
func (j appImage) whyNoStopSignal(c *container) *Refusal {
	if j.setsStopSignal(c) {
		return nil
	}
	at, given := c.field()+".lifecycle.stopSignal", stopSignalOf(c.Lifecycle)
	if given == "" && j.image.Config != nil {
		at, given = c.field()+".image", j.image.Config.StopSignal
	}
	signal, ok := config.ParseStopSignal(cmp.Or(given, "SIGTERM"))
	if !ok {
		return &Refusal{at, "Lameduck cannot hold back the stop signal " + strconv.Quote(given),
			"use another stop signal, or shape native"}
	}
	if signal != "SIGTERM" {
		j.stopSignal = signal
	}
	return nil
}

// chooseShape replaces the wrapper by a sidecar in a pod whose app cannot be wrapped. The sidecar
// observes, so that nothing moves that the wrapper would have left in place.
func (j appImage) chooseShape() error {
	if j.settings.Shape != Wrapper {
		return nil
	}
	if j.notWrapped = j.whyNotWrapped(); j.notWrapped == nil {
		j.noteUnknownStopSignal()
		return nil
	}
	j.settings.Shape = Plain
	if j.settings.hasNative() {
		j.settings.Shape = Native
	}
	return nil
}

// noteUnknownStopSignal adds a note that the registry gave no answer. An app with a command is
// wrapped anyway.
func (j appImage) noteUnknownStopSignal() {
	if j.image.Unknown == "" || j.image.Config != nil {
		return
	}
	c := j.wrappedContainer()
	j.note(c.field()+".image", "its stop signal is unknown, so SIGTERM is assumed: %s; set it with %senv: "+
		"%s=SIGNAL if it is another", j.image.Unknown, AnnotationPrefix, stopSignalVariable)
}
