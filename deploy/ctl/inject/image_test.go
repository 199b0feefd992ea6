package inject

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/ctl/mode"
)

// withoutCommand returns the pod numbered without its command.
func withoutCommand(t *testing.T) *corev1.PodTemplateSpec {
	t.Helper()
	return template(t, strings.Replace(numbered, "      command: [/web]\n", "", 1))
}

// answers is a registry of one image. It counts the questions.
type answers struct {
	config    ImageConfig
	err       error
	questions []ImageQuestion
}

func (a *answers) Ask(_ context.Context, _ string, q ImageQuestion) (ImageConfig, error) {
	a.questions = append(a.questions, q)
	return a.config, a.err
}

// asked injects a template with the help of a registry, and checks that a second time and a
// reinvocation change nothing, and that uninject restores it.
func asked(t *testing.T, before *corev1.PodTemplateSpec, images *answers, s Settings) (corev1.Container, Plan) {
	t.Helper()
	w := Workload{Kind: "Deployment", Template: before}
	p, err := Ask(t.Context(), images, w, s)
	if err != nil {
		t.Fatal(err)
	}
	after := patched(t, before, p)
	expectEqual(t, "the plan", after, p.Template)
	for name, again := range map[string]Workload{
		"again":      {Kind: "Deployment", Template: after},
		"reinvoked":  {Kind: "Pod", Template: after, Reinvoked: true},
		"by another": {Kind: "Pod", Template: mirrored(after), Reinvoked: true},
	} {
		images := &answers{err: errors.New("another reason")}
		p, err := Ask(t.Context(), images, again, s)
		image := recordOf(after).Image
		known := image == nil || image.Config != nil // nil if no registry may be asked
		if err != nil || (again.Reinvoked || known) && len(p.Patch) > 0 {
			t.Errorf("%s it plans %s, error %v", name, asJSON(t, p.Patch), err)
		}
		if (again.Reinvoked || known) && len(images.questions) > 0 {
			t.Errorf("%s it asks %v", name, images.questions)
		}
	}
	expectEqual(t, "uninject", uninjected(t, after), before)
	return after.Spec.Containers[0], p
}

// mirrored returns a template whose images another webhook has replaced by copies.
func mirrored(t *corev1.PodTemplateSpec) *corev1.PodTemplateSpec {
	t = t.DeepCopy()
	t.Spec.Containers[0].Image = "mirror.example/" + t.Spec.Containers[0].Image
	return t
}

// The kubelet's rule: a command replaces ENTRYPOINT and drops CMD, arguments replace CMD.
func TestTheCommandIsThatOfTheImage(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		config ImageConfig
		args   []string
		want   []string // after that of the wrapper
	}{
		"both":                {ImageConfig{Entrypoint: []string{"/e"}, Cmd: []string{"c", "d"}}, nil, []string{"/e", "c", "d"}},
		"both, and arguments": {ImageConfig{Entrypoint: []string{"/e"}, Cmd: []string{"c"}}, []string{"a"}, []string{"/e"}},
		"CMD alone":           {ImageConfig{Cmd: []string{"c"}}, nil, []string{"c"}},
		"arguments alone":     {ImageConfig{Cmd: []string{"c"}}, []string{"/a", "b"}, nil},
		"ENTRYPOINT alone":    {ImageConfig{Entrypoint: []string{"/e", "f"}}, nil, []string{"/e", "f"}},
		"no expansion": {ImageConfig{Entrypoint: []string{"sh", "-c", "echo $(date) $HOME $$"}}, nil,
			[]string{"sh", "-c", "echo $$(date) $$HOME $$$$"}},
	} {
		before := withoutCommand(t)
		before.Spec.Containers[0].Args = tc.args
		before.Spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "one"}, {Name: "two"}}
		tc.config.Digest = "sha256:1"
		images := &answers{config: tc.config}
		app, p := asked(t, before, images, wrapping())
		if want := append(slices.Clone(wrapperCommand), tc.want...); !slices.Equal(app.Command, want) ||
			!slices.Equal(app.Args, tc.args) {
			t.Errorf("%s: the command is %q %q, want %q", name, app.Command, app.Args, want)
		}
		if p.Choice.Mode != mode.Takeover || !strings.Contains(p.Template.Annotations[ModeAnnotation], "sha256:1") {
			t.Errorf("%s: mode %s", name, p.Choice)
		}
		if len(images.questions) != 1 || images.questions[0].Image != "web:1" ||
			!slices.Equal(images.questions[0].Secrets, []string{"one", "two"}) {
			t.Errorf("%s: it asks %+v", name, images.questions)
		}
	}
}

func TestAnotherImageHasAnotherCommand(t *testing.T) {
	t.Parallel()
	w := Workload{Kind: "Deployment", Template: withoutCommand(t)}
	p, err := Ask(t.Context(), &answers{config: ImageConfig{Cmd: []string{"old", "x"}}}, w, wrapping())
	if err != nil {
		t.Fatal(err)
	}
	after := patched(t, w.Template, p)
	after.Spec.Containers[0].Image = "web:2"
	next, _ := asked(t, uninjected(t, after), &answers{config: ImageConfig{Cmd: []string{"new"}}}, wrapping())
	p, err = Ask(t.Context(), &answers{config: ImageConfig{Cmd: []string{"new"}}},
		Workload{Kind: "Deployment", Template: after}, wrapping())
	if err != nil {
		t.Fatal(err)
	}
	if got := patched(t, after, p).Spec.Containers[0]; !slices.Equal(got.Command, next.Command) {
		t.Errorf("command %q, want %q", got.Command, next.Command)
	}
}

// A stop signal that Lameduck does not know of would reach the app before the hold.
func TestTheStopSignalIsThatOfTheImage(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ image, manifest, env, want string }{
		{"SIGQUIT", "", "", "SIGQUIT"},
		{"QUIT", "", "", "SIGQUIT"},
		{"3", "", "", "SIGQUIT"},
		{"28", "", "", "SIGWINCH"},
		{"SIGTERM", "", "", ""},
		{"15", "", "", ""},
		{"", "", "", ""},
		{"SIGQUIT", "SIGUSR1", "", "SIGUSR1"},
		{"SIGQUIT", "SIGTERM", "", ""},
		{"SIGQUIT", "", "SIGHUP", "SIGHUP"},
		{"SIGRTMIN+3", "", "SIGHUP", "SIGHUP"},
		{"SIGRTMIN+3", "", "", "SIGRTMIN+3"},
		{"37", "", "", "SIGRTMIN+3"},
		{"SIGRTMIN", "", "", "observed"},
		{"SIGQUIT", "SIGKILL", "", "observed"},
		{"9", "", "", "observed"},
		{"99", "", "", "observed"},
	} {
		for _, before := range []*corev1.PodTemplateSpec{withoutCommand(t), template(t, numbered)} {
			c, s := &before.Spec.Containers[0], wrapping()
			if tc.manifest != "" {
				signal := corev1.Signal(tc.manifest)
				c.Lifecycle = &corev1.Lifecycle{StopSignal: &signal}
			}
			if tc.env != "" {
				s.Env = map[string]string{stopSignalVariable: tc.env}
			}
			app, p := asked(t, before, &answers{config: ImageConfig{Cmd: []string{"c"}, StopSignal: tc.image}}, s)
			if tc.want == "observed" {
				if p.Choice.Mode != mode.Observe || !strings.Contains(p.Choice.Reason, "stop signal") {
					t.Errorf("%v: mode %s", tc, p.Choice)
				}
			} else if got := variable(app, stopSignalVariable); got != tc.want {
				t.Errorf("%v: the stop signal is %q", tc, got)
			}
		}
	}
}

// An app with a command is wrapped even if its registry does not answer.
func TestAnUnknownStopSignalIsNoted(t *testing.T) {
	t.Parallel()
	before := template(t, numbered)
	app, p := asked(t, before, &answers{err: errors.New("registry a.example: no answer")}, wrapping())
	if got := notes(p); app.Command[0] != wrapperCommand[0] || !strings.Contains(got, "LAMEDUCK_STOP_SIGNAL=SIGNAL") ||
		!strings.Contains(got, "registry a.example: no answer") {
		t.Errorf("command %q, the notes are %q", app.Command, got)
	}
}

// notWrappable are pods whose app cannot be a child of Lameduck, each with a part of the reason and
// of the remedy.
var notWrappable = map[string]struct {
	images      *answers
	change      func(*corev1.PodTemplateSpec)
	why, remedy string
}{
	"no command": {nil, func(p *corev1.PodTemplateSpec) { p.Spec.Containers[0].Command = nil },
		"no registry may be asked", "--entrypoint-registries"},
	"no answer": {&answers{err: errors.New("registry a.example did not answer")},
		func(p *corev1.PodTemplateSpec) { p.Spec.Containers[0].Command = nil },
		"is unknown: registry a.example did not answer", "add the command"},
	"no command anywhere": {&answers{}, func(p *corev1.PodTemplateSpec) { p.Spec.Containers[0].Command = nil },
		"has no command either", "add the command"},
	"two serve": {nil, func(p *corev1.PodTemplateSpec) {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "b",
			Ports: []corev1.ContainerPort{{ContainerPort: 81}}})
	}, "only one can be wrapped", "lameduck.dev/ports"},
	"a native sidecar serves": {nil, func(p *corev1.PodTemplateSpec) {
		always := corev1.ContainerRestartPolicyAlways
		p.Spec.Containers[0].Ports = nil
		p.Spec.InitContainers = []corev1.Container{{Name: "b", RestartPolicy: &always,
			Ports: []corev1.ContainerPort{{ContainerPort: 81}}}}
	}, "cannot be wrapped", "use shape native"},
}

// It is observed by a sidecar, and the annotation has the reason.
func TestAnAppThatCannotBeWrappedIsObserved(t *testing.T) {
	t.Parallel()
	for name, tc := range notWrappable {
		for _, chosen := range []mode.Mode{mode.Auto, mode.Takeover} {
			for kubernetes, sidecar := range map[string]Shape{"1.34": Native, "1.28": Plain} {
				before := edited(t, "image: web:1", "image: web:1\n      command: [/web]")
				tc.change(before)
				s := wrapping()
				s.Mode, s.Kubernetes = chosen, kubernetes
				images := tc.images
				if images == nil {
					images = &answers{err: errors.New("it must not be asked")}
				}
				var p Plan
				if tc.images == nil {
					_, p = injected(t, before, s)
				} else {
					_, p = asked(t, before, images, s)
				}
				text := p.Template.Annotations[ModeAnnotation]
				if !strings.HasPrefix(text, "observe: ") || !strings.Contains(text, tc.why) ||
					!strings.Contains(p.Choice.More, tc.remedy) {
					t.Errorf("%s: the annotation is %q, for more: %q", name, text, p.Choice.More)
				}
				if c := find(&p.Template.Spec, ContainerName); recordOf(p.Template).Shape != sidecar ||
					variable(*c, observeVariable) == "" {
					t.Errorf("%s: on Kubernetes %s the shape is %s", name, kubernetes, recordOf(p.Template).Shape)
				}
			}
		}
	}
}

// A mode that needs no wrapper stays possible.
func TestAnotherModeNeedsNoCommand(t *testing.T) {
	t.Parallel()
	s := wrapping()
	s.Mode = mode.Move
	_, p := injected(t, withoutCommand(t), s)
	if p.Choice.Mode != mode.Move || recordOf(p.Template).Shape != Native ||
		!strings.Contains(p.Choice.Reason, "with a sidecar, as spec.containers[0].command: it is empty") {
		t.Errorf("mode %s, shape %s", p.Choice, recordOf(p.Template).Shape)
	}
}
