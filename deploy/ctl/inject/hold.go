package inject

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// hold gives every container the hook that keeps it alive until the drain is over: what the app needs beside it must not end first. A
// hook that is there is kept.
func (j *injection) hold() error {
	for i := range j.pod.Spec.Containers {
		c := container{&j.pod.Spec.Containers[i], "containers", i}
		switch {
		case j.settings.Shape == Wrapper && c.Name == j.wrapped():
			j.noteWrappedHook(c)
		case c.ownHook():
			j.noteOwnHook(c)
		default:
			j.hook(c)
		}
	}
	if j.pod.Spec.HostNetwork && len(j.record.Hooks) > 0 {
		j.note("spec.hostNetwork", "hooks say host: 127.0.0.1, which the Pod Security levels baseline and restricted do not allow from Kubernetes 1.34 on; shape wrapper needs none. "+
			"Lameduck's ports are the node's too: one such pod fits on a node")
	}
	return nil
}

func (j *injection) hook(c container) {
	get := &corev1.HTTPGetAction{Path: "/hold", Port: intstr.FromInt32(AdminPort)}
	if j.pod.Spec.HostNetwork {
		get.Host = "127.0.0.1" // the kubelet has no address of such a pod to call
	}
	if c.Lifecycle == nil {
		c.Lifecycle = &corev1.Lifecycle{}
		j.record.created("lifecycle", c.Name)
	}
	c.Lifecycle.PreStop = &corev1.LifecycleHandler{HTTPGet: get}
	j.record.Hooks = append(j.record.Hooks, c.Name)
}

// noteOwnHook says what a hook that is kept means for the hold.
func (j *injection) noteOwnHook(c container) {
	field := c.field() + ".lifecycle.preStop"
	switch hook := c.Lifecycle.PreStop; {
	case hook.Sleep != nil:
		j.note(field, "kept: the app gets its signal after %d s, whatever the drain says, and what comes later is refused; take the sleep out, and /hold takes its place",
			hook.Sleep.Seconds)
	default:
		j.note(field, "kept (%s): the app gets its signal when this hook has ended, whatever the drain says, and what comes later is refused; "+
			"let it do its work at SIGTERM, or wait until GET http://127.0.0.1:18081/hold answers; shape wrapper holds the signal back without a hook", handlerName(hook))
	}
}

// noteWrappedHook says what the hook of a wrapped app means: it comes before the signal that begins the drain.
func (j *injection) noteWrappedHook(c container) {
	if c.ownHook() {
		j.note(c.field()+".lifecycle.preStop", "kept (%s): the drain begins with the signal, which comes when this hook has ended, and the time that it takes is taken from the hold",
			handlerName(c.Lifecycle.PreStop))
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

// ourHook says whether a hook is the one that hook sets.
func ourHook(l *corev1.Lifecycle) bool {
	return l != nil && l.PreStop != nil && l.PreStop.HTTPGet != nil && l.PreStop.HTTPGet.Path == "/hold" && l.PreStop.HTTPGet.Port == intstr.FromInt32(AdminPort)
}
