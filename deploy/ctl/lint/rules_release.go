package lint

import (
	"fmt"
	"slices"
)

// releaseRules are about kubelets that do something else than others.
var releaseRules = []Rule{
	{
		ID: "sleep-hook-skipped", Severity: Error,
		needs: []string{"nodes"},
		Title: "a sleep hook on a kubelet that skips it",
		Explanation: `The hook sleep (PodLifecycleSleepAction) is off in Kubernetes 1.29, where it came, on from 1.30, and fixed so from 1.34 on. A kubelet that has it off
goes on at once and says nothing: the app gets SIGTERM as if there were no hook. An API server below 1.29 drops the field. Seconds: 0 is accepted from
1.33 on, and fixed so from 1.34 on.`,
		check: eachHook(sleepSkipped),
	},
	{
		ID: "native-sidecar-too-early", Severity: Error,
		needs: []string{"nodes"},
		Title: "a native sidecar on a cluster that has none",
		Explanation: `Before Kubernetes 1.29 the restartPolicy of an init container is dropped: Lameduck is an init container like any other, which never ends, and the pod
never starts. Use the shape plain there.`,
		check: eachWorkload(nativeTooEarly),
	},
	{
		ID: "exec-readiness-probe", Severity: Warning,
		needs: []string{"nodes"},
		Title: "an exec readiness probe on Kubernetes 1.35",
		Explanation: `In all of 1.35.x exec readiness probes of a pod that ends fail: the pod turns unready in the middle of its drain, and with it go the endpoints that
load balancers fall back to when no other is ready. Probes over HTTP, TCP and gRPC are not touched by that. Where nobody says what the cluster runs,
1.35 is taken for possible.`,
		check: eachWorkload(execReadinessProbe),
	},
}

func sleepSkipped(w *workload, c container, say say) {
	h, at := c.preStop()
	if h.Sleep == nil {
		return
	}
	oldest := w.in.releases().oldest()
	switch at = at.Child("sleep"); {
	case oldest < sleepAction:
		say(at, fmt.Sprintf("a kubelet of %v skips the sleep, so container %s gets SIGTERM at once", oldest, c.Name),
			"use exec: { command: [sleep, ...] } where the image has it, or let Lameduck hold")
	case h.Sleep.Seconds == 0 && oldest < sleepZero:
		say(at.Child("seconds"), fmt.Sprintf("%v refuses a sleep of no seconds, so the pod is not made", oldest), "sleep for a second at least, or leave the hook out")
	}
}

func nativeTooEarly(w *workload, say say) {
	oldest := w.in.releases().oldest()
	if oldest >= nativeSidecars {
		return
	}
	for _, c := range w.containers() {
		if c.native {
			say(c.path.Child("restartPolicy"), fmt.Sprintf("%v takes container %s for an init container that has to end, so the pod never starts", oldest, c.Name),
				"use the shape plain, or upgrade to Kubernetes 1.29 or later")
		}
	}
}

func execReadinessProbe(w *workload, say say) {
	if !slices.Contains(w.in.releases(), execReadiness) {
		return
	}
	for _, c := range w.containers() {
		if runsCommand(c.ReadinessProbe) && w.serves() {
			say(c.path.Child("readinessProbe", "exec"), fmt.Sprintf("on a kubelet of %v it fails as soon as the pod ends, so container %s counts as unready while it drains",
				execReadiness, c.Name),
				"probe over HTTP, TCP or gRPC")
		}
	}
}
