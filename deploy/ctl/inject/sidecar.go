package inject

import (
	"maps"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const (
	// ContainerName is the name of Lameduck's container, and of the wrapper's volume.
	ContainerName = "lameduck"

	sidecarName = ContainerName
	adminName   = "lameduck-admin" // of the admin port, for Prometheus
)

// addSidecar adds Lameduck's container.
func (j *injection) addSidecar() error {
	spec := &j.pod.Spec
	switch j.settings.Shape {
	case Wrapper:
		return j.wrap()
	case Plain:
		spec.Containers = insertAt(spec.Containers, j.sidecar("/lameduck", "drain"),
			j.current.Spec.Containers, isSidecar)
	default:
		always := corev1.ContainerRestartPolicyAlways
		sidecar := j.sidecar("/lameduck", "drain", "--native")
		sidecar.RestartPolicy = &always
		j.addInitContainer(sidecar)
	}
	return nil
}

// addInitContainer adds an init container after the existing ones, so that they run as before.
func (j *injection) addInitContainer(c corev1.Container) {
	spec := &j.pod.Spec
	if spec.InitContainers == nil {
		j.record.created("initContainers")
	}
	spec.InitContainers = insertAt(spec.InitContainers, c, j.current.Spec.InitContainers,
		func(now corev1.Container) bool { return now.Name == c.Name })
}

// sidecar returns the container of the components. Its hook begins the drain over loopback, so that
// nothing on the network can begin one.
func (j *injection) sidecar(drain ...string) corev1.Container {
	return corev1.Container{
		Name:            sidecarName,
		Image:           j.settings.Image,
		Env:             j.environment(),
		Ports:           []corev1.ContainerPort{{Name: adminName, ContainerPort: AdminPort}},
		ReadinessProbe:  j.readiness(),
		Lifecycle:       &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: drain}}},
		Resources:       j.resources,
		SecurityContext: j.securityContext(),
	}
}

// readiness returns the sidecar's only probe: the pod gets no traffic until it has succeeded. There
// is no startup probe, which would delay the app by the second that the kubelet needs to notice the
// result. Without one, the kubelet starts the app once Lameduck runs, and probes it a second later
// at the earliest, while Lameduck listens within milliseconds.
func (j *injection) readiness() *corev1.Probe {
	p := &corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Path: "/readyz", Port: intstr.FromInt32(AdminPort),
		}},
		PeriodSeconds: 5,
	}
	// If the pod has to become unready in a drain, the first failed probe suffices.
	if d, err := time.ParseDuration(j.settings.Env[UnreadyVariable]); err == nil && d > 0 {
		p.PeriodSeconds, p.FailureThreshold = 1, 1
	}
	return p
}

// environment returns Lameduck's configuration.
func (j *injection) environment() []corev1.EnvVar {
	env, grace := j.portVariables(), corev1.EnvVar{Name: graceVariable, Value: seconds(j.grace)}
	if j.settings.Shape == Wrapper { // as in the component
		env = slices.Insert(env, 0, grace)
	} else {
		env = append(env, grace)
	}
	if j.settings.AppStop != DefaultAppStop {
		env = append(env, corev1.EnvVar{Name: appStopVariable, Value: seconds(j.settings.AppStop)})
	}
	if j.stopSignal != "" {
		env = append(env, corev1.EnvVar{Name: stopSignalVariable, Value: j.stopSignal})
	}
	for _, name := range slices.Sorted(maps.Keys(j.settings.Env)) {
		env = append(env, corev1.EnvVar{Name: name, Value: j.settings.Env[name]})
	}
	return env
}

// seconds formats a duration like the components do: 120s, not 2m0s.
func seconds(d time.Duration) string {
	if d%time.Second != 0 {
		return d.String()
	}
	return strconv.FormatInt(int64(d/time.Second), 10) + "s"
}

// restricted returns what the Pod Security level restricted requires, and a read-only root file
// system.
func restricted() *corev1.SecurityContext {
	yes, no, nobody := true, false, int64(65532)
	return &corev1.SecurityContext{
		AllowPrivilegeEscalation: &no,
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		ReadOnlyRootFilesystem:   &yes,
		RunAsNonRoot:             &yes,
		RunAsUser:                &nobody,
		RunAsGroup:               &nobody,
		SeccompProfile:           &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
}

func isSidecar(c corev1.Container) bool { return c.Name == sidecarName }

// insertAt inserts v at its position in the current list, or at the end if it is not there.
func insertAt[T any](list []T, v T, current []T, same func(T) bool) []T {
	at := slices.IndexFunc(current, same)
	if at < 0 || at > len(list) {
		at = len(list)
	}
	return slices.Insert(list, at, v)
}
