package inject

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// wrapperCommand goes in front of the app's command.
var wrapperCommand = []string{"/lameduck/lameduck", "exec", "--"}

// wrapped returns the name of the container to wrap: the first one with a route, or the first that is
// not of a mesh.
func (j *injection) wrapped() string {
	for _, r := range j.chosen {
		if r.container != "" {
			return r.container
		}
	}
	if app := firstApp(&j.pod.Spec); app != nil {
		return app.Name
	}
	return j.pod.Spec.Containers[0].Name
}

// wrappedContainer returns the container that is wrapped, or nil if none is.
func (j *injection) wrappedContainer() *container {
	if j.settings.Shape != Wrapper {
		return nil
	}
	for _, c := range allContainers(&j.pod.Spec) {
		if c.Name == j.wrapped() {
			return &c
		}
	}
	return nil
}

// wrap makes the app a child of Lameduck.
func (j *injection) wrap() error {
	c := *j.wrappedContainer()
	if err := j.validateWrapped(c); err != nil {
		return err
	}
	j.record.Wrapped = c.Name
	now := find(&j.current.Spec, c.Name)
	if c.Command == nil {
		j.record.created("command", c.Name)
	}
	j.image.Command = len(c.Command) == 0
	c.Command = append(slices.Clone(wrapperCommand), appImage{j}.appCommand(&c)...)
	j.wrapEnvironment(c, now)
	admin := corev1.ContainerPort{Name: adminName, ContainerPort: AdminPort}
	c.Ports = insertAt(c.Ports, admin, now.Ports, isAdmin)
	if c.VolumeMounts == nil {
		j.record.created("volumeMounts", c.Name)
	}
	mount := corev1.VolumeMount{Name: sidecarName, MountPath: "/lameduck", ReadOnly: true}
	c.VolumeMounts = insertAt(c.VolumeMounts, mount, now.VolumeMounts, isOurMount)
	j.install()
	return nil
}

func (j *injection) validateWrapped(c container) error {
	for _, v := range j.environment() {
		if slices.ContainsFunc(c.Env, func(own corev1.EnvVar) bool { return own.Name == v.Name }) {
			return &Refusal{
				c.field() + ".env",
				v.Name + " is set already",
				"remove it, or set it with " + AnnotationPrefix + "env",
			}
		}
	}
	return nil
}

func (j *injection) wrapEnvironment(c container, now *corev1.Container) {
	if c.Env == nil {
		j.record.created("env", c.Name)
	}
	for _, v := range j.environment() {
		c.Env = insertAt(c.Env, v, now.Env, func(e corev1.EnvVar) bool { return e.Name == v.Name })
		j.record.Env = append(j.record.Env, v.Name)
	}
}

// install adds an init container that copies the program into a volume of the app's container.
func (j *injection) install() {
	spec := &j.pod.Spec
	if spec.Volumes == nil {
		j.record.created("volumes")
	}
	size := resource.MustParse("64Mi")
	volume := corev1.Volume{Name: sidecarName, VolumeSource: corev1.VolumeSource{
		EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: &size},
	}}
	spec.Volumes = insertAt(spec.Volumes, volume, j.current.Spec.Volumes, isOurVolume)
	j.addInitContainer(corev1.Container{
		Name:            sidecarName,
		Image:           j.settings.Image,
		Args:            []string{"install", "/target/lameduck"},
		VolumeMounts:    []corev1.VolumeMount{{Name: sidecarName, MountPath: "/target"}},
		Resources:       j.resources,
		SecurityContext: j.securityContext(),
	})
}

// isWrapped reports whether a container's app is a child of the Lameduck that inject installs.
func isWrapped(c *corev1.Container) bool {
	n := len(wrapperCommand)
	return len(c.Command) >= n && slices.Equal(c.Command[:n], wrapperCommand)
}

func isAdmin(p corev1.ContainerPort) bool  { return p.Name == adminName }
func isOurMount(m corev1.VolumeMount) bool { return m.Name == sidecarName }
func isOurVolume(v corev1.Volume) bool     { return v.Name == sidecarName }
