package inject

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// errNoPorts is why a worker is not injected. It has no clients that a drain could wait for.
var errNoPorts = &noClientsError{"no container declares a TCP port, so there are no clients to wait for; if it " +
	"has any, declare its ports or use " + AnnotationPrefix + `ports: "8080"`}

// nameUnprotected adds a note for each port of another protocol than TCP.
func (j *injection) nameUnprotected() error {
	for _, p := range otherPorts(&j.pod.Spec) {
		j.note(p.in.portField(p.index), "%s is not protected: Lameduck relays and observes TCP only, so a "+
			"drain neither sees nor holds for its clients", describe(p))
	}
	return nil
}

// otherPorts returns the declared ports of other protocols than TCP.
func otherPorts(spec *corev1.PodSpec) []port {
	var ports []port
	for _, c := range allContainers(spec) {
		for i := range c.Ports {
			if p := (port{&c.Ports[i], c, i}); c.serves() && !tcp(p.Protocol) {
				ports = append(ports, p)
			}
		}
	}
	return ports
}

// describe returns a port with its protocol. UDP at a port for HTTPS is HTTP/3.
func describe(p port) string {
	text := fmt.Sprintf("port %d/%s", p.ContainerPort, p.Protocol)
	quic := p.ContainerPort == 443 || p.ContainerPort == 8443
	for _, name := range []string{"quic", "http3", "h3"} {
		quic = quic || strings.Contains(p.Name, name)
	}
	if quic && p.Protocol == corev1.ProtocolUDP {
		text += " (QUIC, HTTP/3)"
	}
	return text
}

// otherProtocols names the ports of a pod without TCP ports.
func otherProtocols(t *corev1.PodTemplateSpec) string {
	var names []string
	for _, p := range otherPorts(&t.Spec) {
		names = append(names, describe(p))
	}
	if names == nil {
		return ""
	}
	return "; " + strings.Join(names, ", ") + " cannot be protected"
}
