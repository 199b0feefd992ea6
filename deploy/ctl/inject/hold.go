package inject

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// holdHooks are the hooks of an injection's pod.
type holdHooks struct{ *injection }

// addHoldHooks adds to every container the hook that keeps it alive during the drain, since the app
// may need the other containers. An existing hook is kept.
func (j holdHooks) addHoldHooks() error {
	for i := range j.pod.Spec.Containers {
		c := container{&j.pod.Spec.Containers[i], "containers", i}
		switch {
		case j.settings.Shape == Wrapper && c.Name == j.wrapped():
			j.noteWrappedHook(c)
		case c.ownHook():
			j.noteOwnHook(c)
		default:
			j.addHoldHook(c)
		}
	}
	if j.pod.Spec.HostNetwork && len(j.record.Hooks) > 0 {
		j.note("spec.hostNetwork", "the hooks have host: 127.0.0.1, which the Pod Security levels baseline "+
			"and restricted "+
			"forbid since Kubernetes 1.34; shape wrapper needs no hooks. Lameduck's ports are ports of the "+
			"node, "+
			"so only one such pod fits on a node")
	}
	return nil
}

func (j holdHooks) addHoldHook(c container) {
	get := &corev1.HTTPGetAction{Path: "/hold", Port: intstr.FromInt32(AdminPort)}
	if j.pod.Spec.HostNetwork {
		get.Host = "127.0.0.1" // the kubelet knows no address of such a pod
	}
	if c.Lifecycle == nil {
		c.Lifecycle = &corev1.Lifecycle{}
		j.record.created("lifecycle", c.Name)
	}
	c.Lifecycle.PreStop = &corev1.LifecycleHandler{HTTPGet: get}
	j.record.Hooks = append(j.record.Hooks, c.Name)
}

// noteOwnHook adds a note on what a hook that is kept means for the hold.
func (j holdHooks) noteOwnHook(c container) {
	field := c.field() + ".lifecycle.preStop"
	switch hook := c.Lifecycle.PreStop; {
	case hook.Sleep != nil:
		j.note(field, "kept: the app is stopped after %d s even if the drain is not over, and refuses "+
			"later requests; "+
			"remove the sleep to get the /hold hook instead", hook.Sleep.Seconds)
	default:
		j.note(field, "kept (%s): the app is stopped when this hook ends even if the drain is not over, "+
			"and refuses later "+
			"requests; do its work at SIGTERM, or make it wait until GET http://127.0.0.1:18081/hold "+
			"answers, "+
			"or use shape wrapper, which needs no hook", handlerName(hook))
	}
}

// noteWrappedHook adds a note on the hook of a wrapped app, which runs before the drain begins.
func (j holdHooks) noteWrappedHook(c container) {
	if c.ownHook() {
		j.note(c.field()+".lifecycle.preStop", "kept (%s): the drain begins when this hook ends, so the "+
			"hold is shorter by "+
			"the time that the hook takes", handlerName(c.Lifecycle.PreStop))
	}
}

func handlerName(h *corev1.LifecycleHandler) string {
	switch {
	case h.Exec != nil:
		return "exec"
	case h.HTTPGet != nil:
		return "httpGet"
	case h.Sleep != nil:
		return fmt.Sprintf("sleep of %d s", h.Sleep.Seconds)
	}
	return "tcpSocket, which does nothing"
}

// isHoldHook reports whether a hook is the one that addHoldHook adds.
func isHoldHook(l *corev1.Lifecycle) bool {
	if l == nil || l.PreStop == nil || l.PreStop.HTTPGet == nil {
		return false
	}
	get := l.PreStop.HTTPGet
	return get.Path == "/hold" && get.Port == intstr.FromInt32(AdminPort)
}
