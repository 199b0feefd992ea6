package inject

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/version"
)

// validate refuses pods that cannot be protected. moveRoutes checks the ports.
func (j *injection) validate() error {
	if err := checkLabel(j.pod.Labels); err != nil {
		return err
	}
	spec := &j.pod.Spec
	switch s := &j.settings; {
	case len(spec.Containers) == 0:
		return &Refusal{"spec.containers", "is empty", "add the app's container"}
	case s.Shape == Native && !s.hasNative():
		return &Refusal{
			"spec.initContainers",
			"Kubernetes " + s.Kubernetes + " has no native sidecars",
			"use --shape plain, or the annotation lameduck.dev/shape: plain",
		}
	case windowsField(spec) != "":
		return &Refusal{
			windowsField(spec),
			"lameduck runs on Linux only",
			"opt out with the label " + InjectLabel + "=disabled",
		}
	}
	for _, c := range allContainers(spec) {
		if isInit(*c.Container) {
			return &Refusal{
				c.field(),
				"the pod has a container " + c.Name + " that inject has not added",
				"remove it, or the component that adds it",
			}
		}
		if c.serves() && runsLameduck(c.Container) {
			return &Refusal{
				c.field(),
				"it runs Lameduck already, and a second one cannot listen on the same ports",
				"remove one of both, or opt out with the label " + InjectLabel + "=disabled",
			}
		}
		if err := c.validatePorts(); err != nil {
			return err
		}
	}
	for i, v := range spec.Volumes {
		if v.Name == sidecarName && j.settings.Shape == Wrapper {
			return &Refusal{
				fmt.Sprintf("spec.volumes[%d]", i),
				"the pod has a volume lameduck that inject has not added",
				"rename it",
			}
		}
	}
	return nil
}

// runsLameduck reports whether the command of a container runs its app as a child of Lameduck, or
// whether the container is a sidecar that is not named like ours. Another Lameduck in the pod could
// not listen on the same ports.
func runsLameduck(c *corev1.Container) bool {
	if len(c.Command) == 0 && len(c.Args) == 0 {
		return imageName(c.Image) == sidecarName
	}
	words := slices.Concat(c.Command, c.Args)
	i := slices.Index(words, "exec")
	return i >= 0 && i+1 < len(words) && words[i+1] == "--" && (i == 0 || path.Base(words[i-1]) == sidecarName)
}

// imageName returns the last part of the repository of an image.
func imageName(image string) string {
	image, _, _ = strings.Cut(image, "@")
	image, _, _ = strings.Cut(path.Base(image), ":")
	return image
}

// checkLabel refuses an unknown value of the label that opts a pod out. With false, for example, the
// pod would be injected, which is not what was meant.
func checkLabel(labels map[string]string) error {
	switch value := labels[InjectLabel]; value {
	case "", "enabled", "true":
		return nil
	default:
		return &Refusal{
			"metadata.labels[" + InjectLabel + "]",
			fmt.Sprintf("must be enabled or disabled, got %q", value),
			"opt out with disabled, or remove the label",
		}
	}
}

// validatePorts refuses a container that declares a port which Lameduck needs.
func (c container) validatePorts() error {
	for i, p := range c.Ports {
		if p.ContainerPort < 1 || p.ContainerPort > 65535 {
			return &Refusal{
				c.portField(i) + ".containerPort",
				"must be a number from 1 to 65535, which the API server requires too",
				"set it to the port on which the app listens",
			}
		}
		if p.ContainerPort == AdminPort || p.ContainerPort == ControlPort {
			return &Refusal{
				c.portField(i),
				fmt.Sprintf("Lameduck needs port %d itself", p.ContainerPort),
				"make the app listen on another port",
			}
		}
	}
	return nil
}

// firstNative is the first version in which native sidecars are on by default (KEP-753).
var firstNative = version.MustParseGeneric("1.29")

// ShapeFor returns the best shape for a version of Kubernetes: Native if there are native sidecars,
// else Plain. It returns an error if the version is malformed.
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

// hasNative reports whether the cluster has native sidecars. An unknown version counts as recent.
func (s *Settings) hasNative() bool {
	best, err := ShapeFor(s.Kubernetes)
	return err != nil || best == Native
}
