package lint

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// portRules are about the way that clients and probes take to the app.
var portRules = []Rule{
	{
		ID: "service-bypasses-lameduck", Severity: Error,
		needs: []string{"services"},
		Title: "a Service goes to the app itself and past Lameduck",
		Explanation: `The Service's targetPort is the port at which the app listens, so clients never meet Lameduck: nobody asks them to leave, and the drain, which sees no
traffic, ends after LAMEDUCK_HOLD_MIN while requests still come. A numeric targetPort is edited after the rollout that brings Lameduck: say Lameduck's
port, or the port's name, which is the last such edit.`,
		check: eachService(bypass),
	},
	{
		ID: "network-policy-shuts-out", Severity: Error,
		needs: []string{"networkpolicies"},
		Title: "network policies let clients in to the app's port and not to Lameduck's",
		Explanation: `Clients come to Lameduck's port from the rollout on that brings it, and a policy that names the app's port by its number shuts them out. A name is
looked up in each pod, and needs no edit. Let the policy say both before the rollout.`,
		check: eachProtected(shutOut),
	},
	{
		ID: "publish-not-ready-addresses", Severity: Warning,
		needs: []string{"services"},
		Title: "a Service publishes pods that are not ready",
		Explanation: `With publishNotReadyAddresses an endpoint stays ready while its pod ends: load balancers go on sending to it until it has gone, the drain never sees
silence and is cut at its maximum, and what comes after is lost. Headless Services, with which the members of a StatefulSet find each other, are not
looked at.`,
		check: eachService(publishesNotReady),
	},
	{
		ID: "readiness-probe-missing", Severity: Warning,
		needs: []string{"services"},
		Title: "a container that serves has no readiness probe",
		Explanation: `Without one a pod is ready as soon as its processes run. A rollout then takes the old pods away and sends their clients to apps that do not listen
yet: requests are lost at the start of a pod instead of at its end.`,
		check: eachWorkload(noReadinessProbe),
	},
	{
		ID: "readiness-probe-wrong-port", Severity: Error,
		Title: "a readiness probe asks at a port that says nothing about the app",
		Explanation: `A probe by name finds the ports of its own container alone: with the name of another one's the container never becomes ready. Lameduck's admin port
says that Lameduck is ready, which it is while the app is not; only Lameduck's own probe belongs there. Its control port listens on loopback, where no
probe comes.`,
		check: eachWorkload(readinessAtWrongPort),
	},
}

func bypass(s *service, say say) {
	for _, i := range s.tcpPorts() {
		target, at := s.target(i)
		for _, w := range s.workloads {
			if w.duck == nil {
				continue
			}
			port := target.IntVal
			if target.Type == intstr.String {
				port = w.port(target)
			}
			if r, past := w.duck.past(port); past {
				say(at, fmt.Sprintf("port %s is the app's own in %s %s and not Lameduck's %d, so clients are not asked to leave and their requests are lost",
					target.String(), w.Kind, w.Name, r.listen),
					fmt.Sprintf("say targetPort: %d, or the name of a port that is %d in every pod", r.listen, r.listen))
			}
		}
	}
}

func shutOut(w *workload, d *duck, say say) {
	for _, r := range d.routes {
		if w.admitted(r.app) && !w.admitted(r.listen) {
			say(w.meta.Child("labels"), fmt.Sprintf("NetworkPolicy %s lets clients in to %d and nobody to Lameduck's %d, so they are shut out", w.policies[0].object.Name, r.app, r.listen),
				fmt.Sprintf("let the policy say %d too, before the rollout", r.listen))
		}
	}
}

func publishesNotReady(s *service, say say) {
	if s.Spec.PublishNotReadyAddresses && !s.isHeadless() && len(s.workloads) > 0 {
		say(specOf("publishNotReadyAddresses"), "pods that end stay ready endpoints, so load balancers send to them until they have gone and the last requests are lost",
			"leave publishNotReadyAddresses out, or give the members of a cluster a headless Service of their own")
	}
}

func noReadinessProbe(w *workload, say say) {
	for _, c := range w.serving() {
		if c.ReadinessProbe == nil {
			say(c.path.Child("readinessProbe"), fmt.Sprintf("container %s counts as ready before it listens, so a rollout sends requests to it that are lost", c.Name),
				"add a readinessProbe that asks the app, such as httpGet: { path: /, port: http }")
		}
	}
}

func readinessAtWrongPort(w *workload, say say) {
	for _, c := range w.containers() {
		port, asks := probePort(c.ReadinessProbe)
		if !asks {
			continue
		}
		at, number := c.path.Child("readinessProbe"), c.port(port)
		switch {
		case number == 0:
			say(at, fmt.Sprintf("container %s declares no port %s and no other is looked at, so it never becomes ready", c.Name, port.String()),
				"say the number, or a name that the container itself declares")
		case w.duck != nil && w.duck.isElsewhere(c, number):
			say(at, fmt.Sprintf("port %s tells of Lameduck and not of container %s, so clients are sent to an app that does not listen yet", port.String(), c.Name),
				"ask at the app's own port")
		case w.duck != nil && c.Name == w.duck.Name && w.duck.shape != wrapper && number != w.duck.admin:
			say(at, fmt.Sprintf("port %s is not Lameduck's admin port %d, so its readiness says nothing about a drain", port.String(), w.duck.admin),
				fmt.Sprintf("ask httpGet: { path: /readyz, port: %d }", w.duck.admin))
		}
	}
}

// isElsewhere tells whether a port of the pod is one of Lameduck's own, but for where it is Lameduck that is asked about.
func (d *duck) isElsewhere(c container, port int32) bool {
	return (c.Name != d.Name || d.shape == wrapper) && (port == d.admin || port == controlPort)
}

// runsCommand tells whether a readiness probe runs a command.
func runsCommand(p *corev1.Probe) bool { return p != nil && p.Exec != nil }
