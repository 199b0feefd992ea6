package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"

	"lameduck/deploy/ctl/inject"
)

// images is a registry with one image. It answers when it may.
type images struct {
	config inject.ImageConfig
	err    error
	may    chan struct{} // if not nil, each question sends an element, and its answer takes one
	asked  []string
}

func (i *images) Ask(_ context.Context, namespace string, q inject.ImageQuestion) (inject.ImageConfig, error) {
	i.asked = append(i.asked, fmt.Sprint(namespace, " ", q.Image, " ", q.Secrets))
	if i.may != nil {
		i.may <- struct{}{}
		<-i.may
	}
	return i.config, i.err
}

// wrapped returns a pod for the wrapper, whose container may have more fields.
func wrapped(t *testing.T, fields string) string {
	t.Helper()
	return change(t, `{"metadata": {"annotations": {"lameduck.dev/shape": "wrapper"}},
		"spec": {"imagePullSecrets": [{"name": "registry"}], "containers": [{"name": "app", "image": "app:1", `+fields+`
			"ports": [{"name": "http", "containerPort": 8080}]}]}}`)
}

// With the real handler, the app's port is taken over, and its command comes from the image.
func TestTheWrapperTakesOverThePort(t *testing.T) {
	t.Parallel()
	for name, command := range map[string]string{"of the manifest": `["/app", "--x"]`, "of the image": `null`} {
		h := newTestHandler(zap.NewNop())
		registry := &images{config: inject.ImageConfig{
			Entrypoint: []string{"/app"}, Cmd: []string{"--x"}, StopSignal: "SIGQUIT", Digest: "sha256:1",
		}}
		h.injector.images = registry
		before := wrapped(t, `"command": `+command+`,`)
		once := apply(t, before, ask(t, h, question{pod: before}))
		pod := decodePod(t, once)
		app := pod.Spec.Containers[0]
		if want := []string{"/lameduck/lameduck", "exec", "--", "/app", "--x"}; !slices.Equal(app.Command, want) {
			t.Errorf("%s: the command is %q", name, app.Command)
		}
		env := make(map[string]string)
		for _, v := range app.Env {
			env[v.Name] = v.Value
		}
		if env["LAMEDUCK_ROUTES"] != "8080=takeover" || env["LAMEDUCK_STOP_SIGNAL"] != "SIGQUIT" ||
			app.Ports[0].ContainerPort != 8080 || len(pod.Spec.Containers) != 1 {
			t.Errorf("%s: it becomes %s", name, once)
		}
		if !slices.Equal(registry.asked, []string{"shop app:1 [registry]"}) {
			t.Errorf("%s: it asks %q", name, registry.asked)
		}
		if !strings.HasPrefix(pod.Annotations[inject.ModeAnnotation], "takeover: ") {
			t.Errorf("%s: the mode is %s", name, pod.Annotations[inject.ModeAnnotation])
		}
		if again := ask(t, h, question{pod: once}); again.Patch != nil || len(registry.asked) > 1 {
			t.Errorf("%s: the second time it plans %s", name, again.Patch)
		}
		if got := testutil.ToFloat64(h.metrics.images.WithLabelValues(answeredImage)); got != 1 {
			t.Errorf("%s: the metric has %v answers", name, got)
		}
	}
}

// Without an answer the pod is observed, and the annotation has the reason. It is never refused.
func TestWithoutAnAnswerTheWrapperObserves(t *testing.T) {
	t.Parallel()
	for want, registry := range map[string]inject.Images{
		"no registry may be asked":               nil,
		"registry registry.test did not answer":  &images{err: errors.New("registry registry.test did not answer")},
		"the image has no command either":        &images{},
		"cannot hold back the stop signal \"9\"": &images{config: inject.ImageConfig{Cmd: []string{"x"}, StopSignal: "9"}},
	} {
		h := newTestHandler(zap.NewNop())
		h.injector.images = registry
		before := wrapped(t, "")
		answer := ask(t, h, question{pod: before})
		once := apply(t, before, answer)
		pod := decodePod(t, once)
		mode := pod.Annotations[inject.ModeAnnotation]
		if !strings.HasPrefix(mode, "observe: ") || !strings.Contains(mode, want) || len(answer.Warnings) > 0 {
			t.Errorf("mode %q, the warnings are %q, want %q", mode, answer.Warnings, want)
		}
		if len(pod.Spec.InitContainers) != 1 || pod.Spec.Containers[0].Command != nil {
			t.Errorf("it becomes %s", once)
		}
		if again := ask(t, h, question{pod: once}); again.Patch != nil {
			t.Errorf("%s: the second time it plans %s", want, again.Patch)
		}
		if r, is := registry.(*images); is && len(r.asked) != 1 {
			t.Errorf("%s: it asks %q", want, r.asked)
		}
	}
}

// A slow registry takes no time from the pods of others.
func TestOthersAreServedWhileARegistryIsAsked(t *testing.T) {
	t.Parallel()
	h := newTestHandler(zap.NewNop())
	registry := &images{config: inject.ImageConfig{Cmd: []string{"x"}}, may: make(chan struct{})}
	h.injector.images = registry
	h.slots = make(chan struct{}, 1)
	var first string
	done := make(chan struct{})
	go func() {
		defer close(done)
		first = post(h, strings.NewReader(question{pod: wrapped(t, "")}.String())).Body.String()
	}()
	<-registry.may // it is being asked; if the request had the slot, the other would get none
	if answer := ask(t, h, question{}); answer.Patch == nil {
		t.Errorf("another pod is not injected: %q", answer.Warnings)
	}
	registry.may <- struct{}{}
	<-done
	if !strings.Contains(string(allowed(t, []byte(first)).Patch), "takeover") {
		t.Errorf("answer %s", first)
	}
	if len(h.slots) > 0 {
		t.Errorf("%d slots are not free", len(h.slots))
	}
}
