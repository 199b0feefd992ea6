package inject

import (
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// The variables of mode observe.
const (
	observeVariable       = "LAMEDUCK_OBSERVE"
	observeProbesVariable = "LAMEDUCK_OBSERVE_PROBES"
	hostIPVariable        = "LAMEDUCK_HOST_IP"
)

// defaultPeriod is the period of a probe that sets none.
const defaultPeriod = 10 * time.Second

// observePorts leaves all ports to the app.
func (j *injection) observePorts() error {
	for _, r := range j.chosen {
		if !slices.Contains(j.observed, r.App) {
			j.observed = append(j.observed, r.App)
		}
		portUse{j}.noteScrapes(r)
		if r.options != "" && len(j.settings.Ports) > 0 {
			j.note(r.field(), "the options %s of port %d have no effect, as it is observed and not relayed",
				r.options, r.App)
		}
	}
	return nil
}

func (j *injection) observeVariables() []corev1.EnvVar {
	var ports []string
	for _, number := range j.observed {
		ports = append(ports, strconv.Itoa(int(number)))
	}
	variables := []corev1.EnvVar{{Name: observeVariable, Value: strings.Join(ports, ",")}}
	if probes := j.observedProbes(); len(probes) > 0 {
		variables = append(variables, corev1.EnvVar{Name: observeProbesVariable, Value: strings.Join(probes, ",")})
		if j.settings.Shape == Wrapper { // the kubelet does not probe Lameduck itself
			variables = append(variables, downward(hostIPVariable, "status.hostIP"))
		}
	}
	return variables
}

// observedProbes returns the kubelet's probes of observed ports, as port=period. A startup probe is
// over when the app serves.
func (j *injection) observedProbes() []string {
	var probes []string
	for _, c := range allContainers(&j.pod.Spec) {
		for _, p := range []*corev1.Probe{c.ReadinessProbe, c.LivenessProbe} {
			number := probedPort(c.Container, p)
			if c.Name == sidecarName || !slices.Contains(j.observed, number) || probesElsewhere(&j.pod.Spec, p) {
				continue
			}
			period := defaultPeriod
			if p.PeriodSeconds > 0 {
				period = time.Duration(p.PeriodSeconds) * time.Second
			}
			probes = append(probes, strconv.Itoa(int(number))+"="+seconds(period))
		}
	}
	return probes
}

// probesElsewhere reports whether a probe has a host, so that it does not connect to the pod, unless
// the pod has the addresses of the node.
func probesElsewhere(spec *corev1.PodSpec, p *corev1.Probe) bool {
	return !spec.HostNetwork && p != nil &&
		(p.HTTPGet != nil && p.HTTPGet.Host != "" || p.TCPSocket != nil && p.TCPSocket.Host != "")
}

// probedPort returns the number of the port that a probe connects to, or 0.
func probedPort(c *corev1.Container, p *corev1.Probe) int32 {
	var port intstr.IntOrString
	switch {
	case p == nil:
	case p.HTTPGet != nil:
		port = p.HTTPGet.Port
	case p.TCPSocket != nil:
		port = p.TCPSocket.Port
	case p.GRPC != nil:
		return p.GRPC.Port
	}
	for _, declared := range c.Ports {
		if port.Type == intstr.String && declared.Name == port.StrVal {
			return declared.ContainerPort
		}
	}
	return port.IntVal
}
