package inject

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// A container of a pod, with its place.
type container struct {
	*corev1.Container
	list  string // containers or initContainers
	index int
}

func (c container) field() string          { return fmt.Sprintf("spec.%s[%d]", c.list, c.index) }
func (c container) portField(i int) string { return fmt.Sprintf("%s.ports[%d]", c.field(), i) }
func (c container) native() bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}
func (c container) serves() bool  { return c.list == "containers" || c.native() }
func (c container) ownHook() bool { return c.Lifecycle != nil && c.Lifecycle.PreStop != nil }

// probeNames are the probe fields of a container.
var probeNames = []string{"livenessProbe", "readinessProbe", "startupProbe"}

func probe(c *corev1.Container, name string) *corev1.Probe {
	switch name {
	case "livenessProbe":
		return c.LivenessProbe
	case "readinessProbe":
		return c.ReadinessProbe
	}
	return c.StartupProbe
}

// handler returns the field of a probe's handler and its port. The port is nil if it cannot be a name.
func handler(p *corev1.Probe) (field string, port *intstr.IntOrString) {
	switch {
	case p == nil:
	case p.HTTPGet != nil:
		return "httpGet", &p.HTTPGet.Port
	case p.TCPSocket != nil:
		return "tcpSocket", &p.TCPSocket.Port
	}
	return "", nil
}

// isSeen reports whether Lameduck, as a relay, can tell that a probe is one: by the head of its
// request, which an HTTPS probe encrypts.
func isSeen(p *corev1.Probe) bool {
	return p.HTTPGet != nil && p.HTTPGet.Scheme != corev1.URISchemeHTTPS
}

// precedesLameduck reports whether a probe runs before Lameduck does, and keeps the pod from starting
// if it fails: those of native sidecars, since Lameduck's init containers are the last ones.
func precedesLameduck(c container, probe string) bool {
	return c.list == "initContainers" && probe != "readinessProbe"
}

// IsMeshProxy reports whether a container has the name of a service mesh's proxy.
func IsMeshProxy(name string) bool {
	return slices.Contains([]string{"istio-proxy", "linkerd-proxy", "consul-dataplane", "kuma-sidecar"}, name)
}

// firstApp returns the pod's first container that is not the proxy of a service mesh, or nil: the pod of
// a gateway has only the proxy.
func firstApp(spec *corev1.PodSpec) *corev1.Container {
	for i := range spec.Containers {
		if c := &spec.Containers[i]; !IsMeshProxy(c.Name) {
			return c
		}
	}
	return nil
}

// allContainers returns the containers of a pod, init containers last.
func allContainers(spec *corev1.PodSpec) []container {
	var all []container
	for i := range spec.Containers {
		all = append(all, container{&spec.Containers[i], "containers", i})
	}
	for i := range spec.InitContainers {
		all = append(all, container{&spec.InitContainers[i], "initContainers", i})
	}
	return all
}

// find returns the container with a name, or nil.
func find(spec *corev1.PodSpec, name string) *corev1.Container {
	for _, c := range allContainers(spec) {
		if c.Name == name {
			return c.Container
		}
	}
	return nil
}
