package lint

import (
	"path"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"lameduck/deploy/ctl/inject"
)

// A container is a container or a native sidecar of a pod.
type container struct {
	*corev1.Container
	path   *field.Path
	native bool // a native sidecar
}

// containersOf returns the containers in the order in which Services look up the name of a port.
func containersOf(spec *corev1.PodSpec, at *field.Path) []container {
	var found []container
	for i := range spec.Containers {
		found = append(found, container{&spec.Containers[i], at.Child("containers").Index(i), false})
	}
	for i := range spec.InitContainers {
		c := &spec.InitContainers[i]
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			found = append(found, container{c, at.Child("initContainers").Index(i), true})
		}
	}
	return found
}

// preStop returns the hook, which has at most one handler, and its path.
func (c container) preStop() (*corev1.LifecycleHandler, *field.Path) {
	at := c.path.Child("lifecycle", "preStop")
	if c.Lifecycle == nil || c.Lifecycle.PreStop == nil {
		return nil, at
	}
	return c.Lifecycle.PreStop, at
}

// port returns the number of a port of the container, or 0. The kubelet looks up the port names of
// hooks and probes in the same way.
func (c container) port(p intstr.IntOrString) int32 {
	if p.Type == intstr.Int {
		return p.IntVal
	}
	for _, own := range c.Ports {
		if own.Name == p.StrVal {
			return own.ContainerPort
		}
	}
	return 0
}

func isTCP(p corev1.Protocol) bool { return p == "" || p == corev1.ProtocolTCP }

// imageName returns the last part of the repository of an image.
func imageName(image string) string {
	return path.Base(repository(image))
}

// repository returns the reference of an image without tag and digest.
func repository(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndex(image, ":"); i > strings.LastIndex(image, "/") {
		image = image[:i]
	}
	return image
}

// tag returns the tag of an image, or an empty string.
func tag(image string) string {
	image, _, _ = strings.Cut(image, "@")
	return strings.TrimPrefix(strings.TrimPrefix(image, repository(image)), ":")
}

// isMeshProxy reports whether the container is that of a service mesh, which is in front of Lameduck.
func (c container) isMeshProxy() bool { return inject.IsMeshProxy(c.Name) }

// isMetrics reports whether the name of a port is one for metrics or health checks.
func isMetrics(name string) bool {
	return inject.IsForMetrics(name) || strings.Contains(name, "metrics") || strings.HasPrefix(name, "prom")
}
