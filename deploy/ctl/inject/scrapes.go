package inject

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/ctl/mode"
)

// A port for metrics or health checks is not protected: what calls it does not stop during a drain, so
// that the hold would last until its maximum. Its name says so, or that of a Service's port.

// portUse is what the ports of an injection's pod are for.
type portUse struct{ *injection }

// clientPorts returns the declared ports to protect, and those for metrics and health checks. The ports
// of a mesh's proxy beside an app are neither. The mesh may add the proxy before or after Lameduck, and
// the outcome must be the same.
func (j portUse) clientPorts() (clients, others []port) {
	app := firstApp(&j.pod.Spec)
	for _, p := range j.ports {
		if app != nil && IsMeshProxy(p.in.Name) {
			continue
		}
		if j.isForMetrics(p) {
			others = append(others, p)
		} else {
			clients = append(clients, p)
		}
	}
	return clients, others
}

// isForMetrics reports whether a port is for metrics or health checks. A port without a name has those
// of the Services' ports that refer to it.
func (j portUse) isForMetrics(p port) bool {
	if p.Name == "http-metrics" { // unless it is the only HTTP port, beside one for gRPC
		return !slices.ContainsFunc(j.ports, func(other port) bool {
			return other.in.Name == p.in.Name && !IsForMetrics(other.Name)
		})
	}
	if p.Name != "" {
		return IsForMetrics(p.Name)
	}
	references := j.references(p)
	return len(references) > 0 && !slices.ContainsFunc(references, hasClients)
}

func (j portUse) references(p port) []corev1.ServicePort {
	return j.around.References(j.pod.Labels, mode.Port{Number: p.ContainerPort, Name: p.Name})
}

func hasClients(p corev1.ServicePort) bool { return !IsForMetrics(p.Name) }

// IsForMetrics reports whether the name of a port is one for metrics or health checks. It may begin
// with a protocol, as in http-prom.
func IsForMetrics(name string) bool {
	protocol, rest, _ := strings.Cut(name, "-")
	if slices.Contains([]string{"http", "https", "tcp"}, protocol) && rest != "" {
		name = rest
	}
	switch name {
	case "metrics", "prometheus", "prom", "health", "healthz", "healthcheck", "livez", "readyz", "liveness",
		"readiness", "probes", "pprof":
		return true
	}
	return strings.HasSuffix(name, "-metrics") || strings.HasPrefix(name, "metrics-")
}

// used returns the ports that a Service refers to by another name, so that they have clients too.
func (j portUse) used(ports []port) (used, others []port) {
	for _, p := range ports {
		if slices.ContainsFunc(j.references(p), hasClients) {
			used = append(used, p)
		} else {
			others = append(others, p)
		}
	}
	return used, others
}

func (j portUse) noteUnprotected(ports []port) {
	for _, p := range ports {
		j.note(p.in.portField(p.index), "%s is not protected: its clients do not stop during a drain, so the hold "+
			"would last until its maximum; %sports overrides this", nameOf(p), AnnotationPrefix)
	}
}

// nameOf returns the name of a port, or its number.
func nameOf(p port) string {
	if p.Name == "" {
		return strconv.Itoa(int(p.ContainerPort))
	}
	return p.Name
}

// noClientsError is the reason why a pod without clients is not injected.
type noClientsError struct{ why string }

func (e *noClientsError) Error() string { return e.why }

// onlyMetrics returns the reason why a pod whose ports are for metrics is not injected.
func onlyMetrics(ports []port) error {
	var names []string
	for _, p := range ports {
		names = append(names, nameOf(p))
	}
	return &noClientsError{fmt.Sprintf("its only ports are for metrics and health checks (%s), so there are no "+
		"clients to wait for; if there are any, use %sports: %q", strings.Join(names, ", "), AnnotationPrefix,
		strings.Join(names, ","))}
}

// noteScrapes adds a note on an observed port from which something is known to read metrics. A relay
// recognizes Prometheus by its requests.
func (j portUse) noteScrapes(r Route) {
	if by := ScrapedBy(j.pod, r.App, r.Name); by != "" {
		j.note(r.field(), "what reads metrics at port %d (%s) does not stop during a drain, so the hold lasts until "+
			"its maximum: let the app serve metrics at a port of their own, and leave that out of %sports",
			r.App, by, AnnotationPrefix)
	}
}

// ScrapedBy returns why metrics are known to be read at a port of a pod: its name, or an annotation. It
// returns an empty string if nothing is known.
func ScrapedBy(pod *corev1.PodTemplateSpec, number int32, name string) string {
	_, numbered := pod.Annotations[scrapePort]
	switch {
	case IsForMetrics(name):
		return "its name is " + name
	case isScraped(pod.Annotations, number):
		return "annotation " + scrapePort
	case pod.Annotations[scrape] == "true" && !numbered:
		return "annotation " + scrape
	}
	return ""
}

// The annotations of pods and Services that common configurations of Prometheus look for. Without a
// port, Prometheus reads metrics at each declared port of a pod.
const (
	scrape     = "prometheus.io/scrape"
	scrapePort = "prometheus.io/port"
)

// isScraped reports whether annotations ask for the metrics at a port.
func isScraped(annotations map[string]string, number int32) bool {
	return annotations[scrape] == "true" && annotations[scrapePort] == strconv.Itoa(int(number))
}

// followScrapes makes Prometheus read the metrics of a moved port through Lameduck, which recognizes
// its requests. Connections to the app itself would hold a drain until its maximum.
func (j portUse) followScrapes() error {
	ports := j.record.Ports
	for i, moved := range ports {
		if slices.ContainsFunc(ports[:i], func(p movedPort) bool { return p.Was == moved.Was }) {
			continue // another container declares it too
		}
		if isScraped(j.pod.Annotations, moved.Was) {
			meshLists(j).extendList(scrapePort, strconv.Itoa(int(moved.Is)))
			j.note("metadata.annotations["+scrapePort+"]", "%d becomes %d, since the hold would last until its maximum "+
				"if Prometheus bypassed Lameduck", moved.Was, moved.Is)
		}
		j.noteScrapedServices(moved)
	}
	return nil
}

// noteScrapedServices adds a note on the Services by which Prometheus finds the app's own port.
func (j portUse) noteScrapedServices(moved movedPort) {
	if j.around == nil {
		return
	}
	for _, s := range j.around.Services {
		if mode.Selects(s, j.pod.Labels) && isScraped(s.Annotations, moved.Was) {
			j.note("metadata", "Service %s has the annotation %s: %d, so Prometheus bypasses Lameduck, and the hold "+
				"lasts until its maximum: change it to %d after the rollout", s.Name, scrapePort, moved.Was, moved.Is)
		}
	}
}
