package inject

import (
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// admit refuses what cannot be protected as it stands, whatever its ports.
func (j *injection) admit() error {
	spec := &j.pod.Spec
	switch s := &j.settings; {
	case len(spec.Containers) == 0:
		return &Refusal{"spec.containers", "there is none", "add the app's container"}
	case s.Shape == Native && !since(s.Kubernetes, 1, 29):
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
		if p.ContainerPort == adminPort || p.ContainerPort == controlPort {
			return &Refusal{c.portField(i), fmt.Sprintf("lameduck itself listens at %d", p.ContainerPort), "let the app listen at another port"}
		}
	}
	return nil
}

// since says whether a version is known to be earlier than major.minor; one that cannot be read is taken for a recent one.
func since(version string, major, minor int) bool {
	first, rest, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	second, _, _ := strings.Cut(rest, ".")
	gotMajor, err := strconv.Atoi(first)
	gotMinor, minorErr := strconv.Atoi(strings.TrimRight(second, "+"))
	if err != nil || minorErr != nil {
		return true
	}
	return gotMajor > major || gotMajor == major && gotMinor >= minor
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
