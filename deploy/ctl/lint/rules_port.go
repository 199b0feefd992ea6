package lint

import (
	"fmt"
	"slices"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/mode"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// portRules check how clients and probes reach the app.
var portRules = []Rule{
	{
		ID: "service-bypasses-lameduck", Severity: Error,
		needs: []string{"services"},
		Title: "a Service connects to the app and bypasses Lameduck",
		Explanation: `The targetPort of the Service is the port of the app, so clients never reach Lameduck.
The drain waits for their connections, but they are not asked to disconnect, and connections that are open
when the app stops fail. Change a numeric targetPort after the rollout that adds Lameduck: to Lameduck's port,
or to the name of the port, which never needs another change. The name of a headless Service resolves to the
addresses of the pods, and clients connect to a port that they know, regardless of the targetPort: there the
port of the Service must be Lameduck's, or Lameduck must get the app's port.`,
		check: eachService(bypass),
	},
	{
		ID: "service-without-pods", Severity: Warning,
		needs: append([]string{"services"}, podMakers...),
		Title: "a Service selects no pods",
		Explanation: `No workload in the input has the labels of the selector, so the Service has no
endpoints: often a label is misspelt or was renamed. In manifests this is checked only if there is a workload
in the same namespace, since the pods may be in another file.`,
		check: eachService(withoutPods),
	},
	{
		ID: "udp-not-protected", Severity: Info,
		needs: []string{"services"},
		Title: "clients use UDP, which Lameduck does not relay",
		Explanation: `Lameduck relays and observes TCP. A drain neither sees nor waits for clients of UDP, QUIC
(HTTP/3) or SCTP, and they are not asked to disconnect. Clients of HTTP/3 fall back to TCP if the app does not
advertise it (header Alt-Svc).`,
		check: eachProtected(udp),
	},
	{
		ID: "network-policy-shuts-out", Severity: Error,
		needs: []string{policyResource},
		Title: "network policies allow the app's port and not Lameduck's",
		Explanation: `Clients connect to Lameduck's port after the rollout that adds it. A policy that allows
the app's port by number blocks them. A name is looked up in each pod and needs no change. Allow both ports
before the rollout.`,
		check: eachProtected(shutOut),
	},
	{
		ID: "publish-not-ready-addresses", Severity: Warning,
		needs: []string{"services"},
		Title: "a Service publishes pods that are not ready",
		Explanation: `With publishNotReadyAddresses an endpoint stays ready while its pod terminates. Load
balancers route to it until it is gone, the drain never sees silence and ends at its maximum, and later
requests are lost. Headless Services, by which the members of a StatefulSet find each other, are not
checked.`,
		check: eachService(publishesNotReady),
	},
	{
		ID: "readiness-probe-missing", Severity: Warning,
		needs: []string{"services"},
		Title: "a container that serves has no readiness probe",
		Explanation: `Without a probe a pod is ready as soon as its processes run. A rollout then removes old
pods and routes their clients to apps that do not listen yet, so requests are lost at the start of a pod
instead of at its end.`,
		check: eachWorkload(noReadinessProbe),
	},
	{
		ID: "readiness-probe-wrong-port", Severity: Error,
		Title: "a readiness probe uses a port that does not show whether the app is ready",
		Explanation: `A probe looks up a port name in its own container only; with another container's port
name the container never becomes ready. Lameduck's admin port shows whether Lameduck is ready, which it is
before the app; only Lameduck's own probe may use it. Its control port listens on loopback, which the
kubelet cannot reach.`,
		check: eachWorkload(readinessAtWrongPort),
	},
}

func bypass(s *service, report objectReporter) {
	for _, i := range s.tcpPorts() {
		target, at := s.target(i)
		for _, w := range s.workloads {
			if w.sidecar == nil {
				continue
			}
			if s.isHeadless() {
				s.bypassHeadless(w, i, report)
				continue
			}
			port := target.IntVal
			if target.Type == intstr.String {
				port = w.port(target)
			}
			if r, bypasses := w.sidecar.bypassRoute(port); bypasses {
				report(at,
					fmt.Sprintf("port %s is the app's port in %s %s and not Lameduck's %d, so clients are "+
						"not asked to disconnect and lose requests",
						target.String(), w.Kind, w.Name, r.listen),
					fmt.Sprintf("use targetPort: %d, or the name of a port that is %d in every pod", r.listen,
						r.listen))
			}
		}
	}
}

// bypassHeadless checks a port of a headless Service: clients connect to its number at the pods.
func (s *service) bypassHeadless(w *workload, i int, report objectReporter) {
	port := s.Spec.Ports[i].Port
	if r, bypasses := w.sidecar.bypassRoute(port); bypasses {
		report(field.NewPath("spec", "ports").Index(i).Child("port"),
			fmt.Sprintf("clients of a headless Service connect to the pods, and port %d is the app's in %s "+
				"%s and not Lameduck's %d, so they are not asked to disconnect and lose requests",
				port, w.Kind, w.Name, r.listen),
			fmt.Sprintf("make clients connect to port %d, or use a Service with an address and targetPort %d",
				r.listen, r.listen))
	}
}

func withoutPods(s *service, report objectReporter) {
	if s.selector.String() == "" || len(s.workloads) > 0 || !s.in.knowsPods(s) {
		return
	}
	report(specOf("selector"), fmt.Sprintf("no pod has the labels %s, so the Service has no endpoints",
		s.selector), "use labels of the pod template, or ignore this rule if the app sets the others while it runs")
}

// knowsPods reports whether the input has what the Service should select, as far as one can know.
func (in *Inventory) knowsPods(s *service) bool {
	here := func(o object) bool { return o.namespace() == s.object.namespace() }
	if slices.ContainsFunc(in.unread, func(u unreadResource) bool { return u.makesPods() }) {
		return false
	}
	if in.cluster {
		return !slices.ContainsFunc(in.pods, func(p *corev1.Pod) bool {
			return here(newObject("Pod", p.ObjectMeta, nil)) && s.selector.Matches(labels.Set(p.Labels))
		})
	}
	return slices.ContainsFunc(in.workloads, func(w *workload) bool { return here(w.object) && !w.isJob() })
}

func udp(w *workload, d *sidecar, report objectReporter) {
	for _, c := range w.apps() {
		for i, p := range c.Ports {
			if isTCP(p.Protocol) {
				continue
			}
			report(c.path.Child("ports").Index(i),
				fmt.Sprintf("port %d is %s, which Lameduck does not relay, so its clients may lose requests in "+
					"a rollout", p.ContainerPort, p.Protocol),
				"ignore this rule if the clients retry or fall back to TCP")
		}
	}
}

func shutOut(w *workload, d *sidecar, report objectReporter) {
	for _, r := range d.routes {
		if p := w.allowing(r.app); p != nil && w.allowing(r.listen) == nil {
			report(w.meta.Child("labels"), fmt.Sprintf("NetworkPolicy %s allows port %d and not Lameduck's "+
				"%d, so clients are blocked",
				p.object.Name, r.app, r.listen),
				fmt.Sprintf("allow port %d too, before the rollout", r.listen))
		}
		if r.listen != r.app {
			w.shutOutByOthers(r.app, r.listen, report)
		}
	}
}

// shutOutByOthers reports the policies of Cilium, Calico and others that have one port and not the
// other.
func (w *workload) shutOutByOthers(app, listen int32, report objectReporter) {
	around := w.around()
	known := around.OthersWith(w.template, listen)
	for _, p := range around.OthersWith(w.template, app) {
		if slices.ContainsFunc(known, func(k mode.Policy) bool { return k.Kind == p.Kind && k.Name == p.Name }) {
			continue
		}
		report(w.meta.Child("labels"),
			fmt.Sprintf("%s %s has port %d and not Lameduck's %d, so clients may be blocked", p.Kind, p.Name, app, listen),
			fmt.Sprintf("add port %d to it, before the rollout", listen))
	}
}

func publishesNotReady(s *service, report objectReporter) {
	if s.Spec.PublishNotReadyAddresses && !s.isHeadless() && len(s.workloads) > 0 {
		report(specOf("publishNotReadyAddresses"),
			"terminating pods stay ready endpoints, so load balancers route to them until they are gone "+
				"and the last requests are lost",
			"remove publishNotReadyAddresses, or use a separate headless Service for the members of a "+
				"cluster")
	}
}

func noReadinessProbe(w *workload, report objectReporter) {
	for _, c := range w.serving() {
		if c.ReadinessProbe == nil {
			report(c.path.Child("readinessProbe"),
				fmt.Sprintf("container %s counts as ready before it listens, so a rollout loses requests",
					c.Name),
				"add a readinessProbe of the app, such as httpGet: { path: /, port: http }")
		}
	}
}

func readinessAtWrongPort(w *workload, report objectReporter) {
	for _, c := range w.containers() {
		port, asks := probePort(c.ReadinessProbe)
		if !asks {
			continue
		}
		at, number := c.path.Child("readinessProbe"), c.port(port)
		switch {
		case number == 0:
			report(at,
				fmt.Sprintf("container %s itself declares no port %s, so it never becomes ready", c.Name,
					port.String()),
				"use the number, or a name that the container itself declares")
		case w.sidecar != nil && w.sidecar.isElsewhere(c, number):
			report(at,
				fmt.Sprintf("port %s is Lameduck's and not of container %s, so clients are routed to an "+
					"app that does not listen yet",
					port.String(), c.Name),
				"use the app's port")
		case w.sidecar != nil && w.sidecar.runsAlone(c) && number != w.sidecar.admin:
			report(at,
				fmt.Sprintf("port %s is not Lameduck's admin port %d, so the probe does not show the state "+
					"of a drain",
					port.String(), w.sidecar.admin),
				fmt.Sprintf("use httpGet: { path: /readyz, port: %d }", w.sidecar.admin))
		}
	}
}

// isElsewhere reports whether a probe of a container other than Lameduck's uses a port of Lameduck.
func (d *sidecar) isElsewhere(c container, port int32) bool {
	return !d.runsAlone(c) && (port == d.admin || port == controlPort)
}

// runsAlone reports whether a container runs Lameduck and no app.
func (d *sidecar) runsAlone(c container) bool { return c.Name == d.Name && d.shape != inject.Wrapper }

func runsCommand(p *corev1.Probe) bool { return p != nil && p.Exec != nil }
