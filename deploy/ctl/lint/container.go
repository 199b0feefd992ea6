package lint

import (
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// A container is one of a pod that runs as long as the pod does.
type container struct {
	*corev1.Container
	path   *field.Path
	native bool // an init container that is restarted
}

// containersOf returns the containers in the order in which the name of a port is looked up.
func containersOf(spec *corev1.PodSpec, at *field.Path) []container {
	var found []container
	for i := range spec.Containers {
		found = append(found, container{&spec.Containers[i], at.Child("containers").Index(i), false})
	}
	for i := range spec.InitContainers {
		if c := &spec.InitContainers[i]; c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			found = append(found, container{c, at.Child("initContainers").Index(i), true})
		}
	}
	return found
}

// preStop returns the hook, which has at most one handler, and where it is.
func (c container) preStop() (*corev1.LifecycleHandler, *field.Path) {
	at := c.path.Child("lifecycle", "preStop")
	if c.Lifecycle == nil || c.Lifecycle.PreStop == nil {
		return nil, at
	}
	return c.Lifecycle.PreStop, at
}

// port returns the number of one of its own ports: the kubelet looks for a hook's and a probe's nowhere else. Zero: there is none.
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

// imageName is the last part of an image's repository.
func imageName(image string) string {
	return path.Base(repository(image))
}

// repository is an image's reference without tag and digest.
func repository(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndex(image, ":"); i > strings.LastIndex(image, "/") {
		image = image[:i]
	}
	return image
}

// tag is an image's tag; empty: it has none.
func tag(image string) string {
	image, _, _ = strings.Cut(image, "@")
	return strings.TrimPrefix(strings.TrimPrefix(image, repository(image)), ":")
}

// meshProxies are the containers that a service mesh adds. They are in front of Lameduck, not behind it.
var meshProxies = []string{"istio-proxy", "linkerd-proxy", "consul-dataplane", "kuma-sidecar"}

func (c container) isMeshProxy() bool { return slices.Contains(meshProxies, c.Name) }

// forCollectors tells whether a port is by its name one for those who collect metrics: nobody's request is lost there.
func forCollectors(p corev1.ContainerPort) bool {
	return strings.Contains(p.Name, "metrics") || strings.HasPrefix(p.Name, "prom")
}
