package inject

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/version"
)

// admit refuses what cannot be protected as it stands, whatever its ports.
func (j *injection) admit() error {
	spec := &j.pod.Spec
	switch s := &j.settings; {
	case len(spec.Containers) == 0:
		return &Refusal{"spec.containers", "there is none", "add the app's container"}
	case s.Shape == Native && !s.hasNative():
		return &Refusal{"spec.initContainers", "Kubernetes " + s.Kubernetes + " has no native sidecars", "say --shape plain, or lameduck.dev/shape: plain"}
	case spec.OS != nil && spec.OS.Name == corev1.Windows || spec.NodeSelector[corev1.LabelOSStable] == string(corev1.Windows):
		return &Refusal{"spec.os", "lameduck runs on Linux", "leave this one out: label it " + InjectLabel + "=disabled"}
	}
	for _, c := range allContainers(spec) {
		if c.Name == ours {
			return &Refusal{c.field(), "there is a container of this name, which is not from inject", "take it out, or the component that brings it"}
		}
		if err := c.admitPorts(); err != nil {
			return err
		}
	}
	for i, v := range spec.Volumes {
		if v.Name == ours && j.settings.Shape == Wrapper {
			return &Refusal{fmt.Sprintf("spec.volumes[%d]", i), "there is a volume of this name, which is not from inject", "give it another name"}
		}
	}
	return nil
}

// admitPorts refuses a container that listens where Lameduck itself has to.
func (c container) admitPorts() error {
	for i, p := range c.Ports {
		if p.ContainerPort == AdminPort || p.ContainerPort == ControlPort {
			return &Refusal{c.portField(i), fmt.Sprintf("lameduck itself listens at %d", p.ContainerPort), "let the app listen at another port"}
		}
	}
	return nil
}

// firstNative is the first version in which native sidecars are on by default (KEP-753).
var firstNative = version.MustParseGeneric("1.29")

// ShapeFor returns the best shape that a cluster of a version can have: a native sidecar, or a plain container before there were any. The error says
// that the version cannot be read.
func ShapeFor(kubernetes string) (Shape, error) {
	v, err := version.ParseGeneric(kubernetes)
	switch {
	case err != nil:
		return "", fmt.Errorf("version of the cluster: %w", err)
	case v.AtLeast(firstNative):
		return Native, nil
	}
	return Plain, nil
}

// hasNative says whether the cluster has native sidecars. One of which no version is known is taken for a recent one.
func (s *Settings) hasNative() bool {
	best, err := ShapeFor(s.Kubernetes)
	return err != nil || best == Native
}

// A container is one of a pod, with its place.
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

// probeNames are the fields of a container that are probes.
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

// allContainers returns those of a pod, the first one that runs for long first.
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

// find returns the container of a name, or nil.
func find(spec *corev1.PodSpec, name string) *corev1.Container {
	for _, c := range allContainers(spec) {
		if c.Name == name {
			return c.Container
		}
	}
	return nil
}
