package inject

import (
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// undo restores the fields that are unchanged since Inject. Later changes by others stay.
func (r *record) undo(pod *corev1.PodTemplateSpec) {
	spec := &pod.Spec
	if has := spec.TerminationGracePeriodSeconds; r.Raised != 0 && has != nil && *has == r.Raised {
		spec.TerminationGracePeriodSeconds = r.Grace
	}
	spec.Containers = slices.DeleteFunc(spec.Containers, isSidecar)
	spec.InitContainers = without(spec.InitContainers, isInit, r.hasCreated("initContainers"))
	for i := range spec.Containers {
		r.removeHook(&spec.Containers[i])
	}
	if r.Wrapped != "" {
		r.unwrap(find(spec, r.Wrapped))
		spec.Volumes = without(spec.Volumes, isOurVolume, r.hasCreated("volumes"))
	}
	r.removePullSecrets(spec)
	for _, p := range r.Ports {
		p.undo(spec)
	}
	for _, p := range r.Probes {
		p.undo(spec)
	}
	r.removeAnnotations(pod)
}

func (r *record) removeHook(c *corev1.Container) {
	if !slices.Contains(r.Hooks, c.Name) || !isHoldHook(c.Lifecycle) {
		return
	}
	c.Lifecycle.PreStop = nil
	if *c.Lifecycle == (corev1.Lifecycle{}) && r.hasCreated("lifecycle", c.Name) {
		c.Lifecycle = nil
	}
}

// unwrap restores the container of a wrapped app. It is nil if it has been removed.
func (r *record) unwrap(c *corev1.Container) {
	if c == nil {
		return
	}
	if isWrapped(c) {
		c.Command = c.Command[len(wrapperCommand):]
		if r.Image != nil && r.Image.Command {
			c.Command = without(c.Command, func(string) bool { return true }, r.hasCreated("command", c.Name))
		}
	}
	isEnv := func(v corev1.EnvVar) bool { return slices.Contains(r.Env, v.Name) }
	c.Env = without(c.Env, isEnv, r.hasCreated("env", c.Name))
	c.Ports = slices.DeleteFunc(c.Ports, isAdmin)
	c.VolumeMounts = without(c.VolumeMounts, isOurMount, r.hasCreated("volumeMounts", c.Name))
}

func (p movedPort) undo(spec *corev1.PodSpec) {
	c := find(spec, p.Container)
	if c == nil {
		return
	}
	i := p.index(c)
	if i < 0 {
		return
	}
	c.Ports[i].ContainerPort = p.Was
	if p.Host && c.Ports[i].HostPort == p.Is {
		c.Ports[i].HostPort = p.Was
	}
}

// index returns the index of the port in a container that declares it, or -1. The port may have
// another name now: its number is Lameduck's, where the app does not listen.
func (p movedPort) index(c *corev1.Container) int {
	return slices.IndexFunc(c.Ports, func(now corev1.ContainerPort) bool {
		return now.ContainerPort == p.Is && tcp(now.Protocol)
	})
}

func (p movedProbe) undo(spec *corev1.PodSpec) {
	c := find(spec, p.Container)
	if c == nil {
		return
	}
	now := probe(c, p.Probe)
	switch _, at := handler(now); {
	case now == nil:
	case at != nil && *at == intstr.FromInt32(p.Is):
		if was := intstr.Parse(p.Was); was.Type == intstr.Int || declares(c, p.Was) || !declaresNumber(c, p.Is) {
			*at = was
		}
	case now.GRPC != nil && now.GRPC.Port == p.Is:
		now.GRPC.Port = intstr.Parse(p.Was).IntVal
	}
}

// declares reports whether a container declares a port with a name, and declaresNumber one with a
// number.
func declares(c *corev1.Container, name string) bool {
	return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == name })
}

func declaresNumber(c *corev1.Container, number int32) bool {
	return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.ContainerPort == number })
}

func (r *record) removeAnnotations(pod *corev1.PodTemplateSpec) {
	delete(pod.Annotations, InjectedAnnotation)
	delete(pod.Annotations, ModeAnnotation)
	for _, e := range r.Excluded {
		e.undo(pod.Annotations)
	}
	if len(pod.Annotations) == 0 && r.hasCreated("annotations") {
		pod.Annotations = nil
	}
}

// undo restores the annotation. If the list has been changed since, it only removes our port.
func (e excludedPorts) undo(annotations map[string]string) {
	switch now, set := annotations[e.Annotation]; {
	case !set:
	case now == e.Is && e.Was == nil:
		delete(annotations, e.Annotation)
	case now == e.Is:
		annotations[e.Annotation] = *e.Was
	default:
		ours := append(slices.Clone(e.Added), strconv.Itoa(AdminPort))
		others := slices.DeleteFunc(list(now), func(p string) bool { return slices.Contains(ours, p) })
		annotations[e.Annotation] = strings.Join(others, ",")
	}
}

// without removes elements from a list. It returns nil if none is left and Inject had created the
// list.
func without[T any](list []T, drop func(T) bool, created bool) []T {
	if list = slices.DeleteFunc(list, drop); len(list) == 0 && created {
		return nil
	}
	return list
}
