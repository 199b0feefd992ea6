package lint

import (
	"fmt"
	"slices"
)

// releaseRules check for differences between releases of the kubelet.
var releaseRules = []Rule{
	{
		ID: "sleep-hook-skipped", Severity: Error,
		needs: []string{"nodes"},
		Title: "a sleep hook on a kubelet that skips it",
		Explanation: `The sleep hook (PodLifecycleSleepAction) is off by default in Kubernetes
1.29, on since 1.30 and locked since 1.34. A kubelet that has it off skips it silently: the app gets
SIGTERM as if there were no hook. API servers before 1.29 drop the field. A sleep of zero seconds is
accepted since 1.33.`,
		check: eachHook(sleepSkipped),
	},
	{
		ID: "native-sidecar-too-early", Severity: Error,
		needs: []string{"nodes"},
		Title: "a native sidecar on a cluster without support for it",
		Explanation: `Before Kubernetes 1.29 the restartPolicy of an init container is dropped. Lameduck is
then an ordinary init container that never exits, and the pod never starts. Use the shape plain.`,
		check: eachWorkload(nativeTooEarly),
	},
	{
		ID: "exec-readiness-probe", Severity: Warning,
		needs: []string{"nodes"},
		Title: "an exec readiness probe on Kubernetes 1.35",
		Explanation: `In 1.35.x the exec readiness probes of terminating pods fail. A container that goes on
serving, because a hook keeps it alive, becomes unready during its drain, and load balancers lose the
endpoints that they fall back to when no other is ready. Probes over HTTP, TCP and gRPC are not affected. If the version of the cluster is unknown, 1.35 counts as
possible.`,
		check: eachWorkload(execReadinessProbe),
	},
}

func sleepSkipped(w *workload, c container, report objectReporter) {
	h, at := c.preStop()
	if h.Sleep == nil {
		return
	}
	oldest := w.in.releases().oldest()
	switch at = at.Child("sleep"); {
	case oldest < sleepAction:
		report(at,
			fmt.Sprintf("a kubelet of %v skips the sleep, so container %s gets SIGTERM at once", oldest,
				c.Name),
			"use exec: { command: [sleep, ...] } if the image has it, or let Lameduck hold the container")
	case h.Sleep.Seconds == 0 && oldest < sleepZero:
		report(at.Child("seconds"), fmt.Sprintf("%v rejects a sleep of 0 seconds, so the pod is not created",
			oldest),
			"sleep for at least a second, or remove the hook")
	}
}

func nativeTooEarly(w *workload, report objectReporter) {
	oldest := w.in.releases().oldest()
	if oldest >= nativeSidecars {
		return
	}
	for _, c := range w.containers() {
		if c.native {
			report(c.path.Child("restartPolicy"),
				fmt.Sprintf("%v treats container %s as an init container that must exit, so the pod never "+
					"starts", oldest, c.Name),
				"use the shape plain, or upgrade to Kubernetes 1.29 or later")
		}
	}
}

func execReadinessProbe(w *workload, report objectReporter) {
	if !slices.Contains(w.in.releases(), execReadiness) {
		return
	}
	for _, c := range w.containers() {
		if runsCommand(c.ReadinessProbe) && w.serves() && w.livesOn(c) {
			report(c.path.Child("readinessProbe", "exec"),
				fmt.Sprintf("on a kubelet of %v it fails as soon as the pod terminates, so container %s is "+
					"unready while it drains",
					execReadiness, c.Name),
				"use a probe over HTTP, TCP or gRPC")
		}
	}
}

// livesOn reports whether a container serves for a while after the deletion of its pod. Without a
// hook it gets SIGTERM at once.
func (w *workload) livesOn(c container) bool {
	h, _ := c.preStop()
	return h != nil || w.sidecar != nil && w.sidecar.wraps(c)
}
