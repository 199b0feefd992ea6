package lint

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// hookRules are about what the kubelet calls when a pod ends.
var hookRules = []Rule{
	{
		ID: "unprotected", Severity: Warning,
		needs: []string{"services"},
		Title: "a container that serves has neither Lameduck nor a preStop hook",
		Explanation: `The container gets SIGTERM at the moment at which the pod is deleted, while load balancers go on sending to it for another 1 to 180 seconds. An app
that stops listening then loses every request of that time, with every rollout, scale-down and node drain.`,
		check: eachWorkload(unprotected),
	},
	{
		ID: "container-not-held", Severity: Error,
		needs: []string{"services"},
		Title: "a container that serves does not wait for Lameduck's drain",
		Explanation: `The pod has Lameduck, but this container has no preStop hook that gets /hold, so the kubelet sends it SIGTERM at once, while the drain is still on.
Every container that serves needs the hook: one that dies early takes its requests with it.`,
		check: eachProtected(notHeld),
	},
	{
		ID: "drain-hook-missing", Severity: Error,
		Title: "nothing begins the drain of a native sidecar",
		Explanation: `A native sidecar gets no SIGTERM before the app has gone. What begins its drain is its own preStop hook, the command lameduck drain --native. Without
it, /hold lets the app go after LAMEDUCK_HOOK_WINDOW (5 s), as it does when a container is restarted, and nothing drains.`,
		check: eachProtected(drainHookMissing),
	},
	{
		ID: "drain-hook-of-another-shape", Severity: Error,
		Title: "lameduck drain is called with --native in a plain container, or without it in a native sidecar",
		Explanation: `--native says that a SIGTERM during the drain can only mean the end. That is so in a native sidecar, which without it does not cut and tell what is
left when the grace period is over. A plain container gets SIGTERM right after its hook, and with --native its drain ends before it has begun.`,
		check: eachProtected(drainHookOfAnotherShape),
	},
	{
		ID: "hook-misses-lameduck", Severity: Error,
		Title: "a hook goes to /hold at another port than Lameduck's, or to another path of it",
		Explanation: `The kubelet does not look at what a hook's GET is answered with: a refused connection and a 404 both mean that the app gets SIGTERM at once. Only GET
/hold at Lameduck's admin address (LAMEDUCK_ADMIN, port 18081) waits for the drain's end.`,
		check: eachHook(hookMissesLameduck),
	},
	{
		ID: "hook-with-host", Severity: Error,
		Title: "an httpGet hook names a host",
		Explanation: `The kubelet calls the hook from the node. Without a host it takes the pod's address, which is right; host: 127.0.0.1 is the node's own loopback, and
the name of a Service may be any other pod. Besides, the Pod Security level baseline refuses the field from Kubernetes 1.34 on. On the node's network
(hostNetwork) it is needed, since the kubelet has no address of the pod there.`,
		check: eachHook(hookWithHost),
	},
	{
		ID: "host-network-hook", Severity: Error,
		Title: "an httpGet hook without host in a pod on the node's network",
		Explanation: `With hostNetwork the kubelet finds no address of the pod to call the hook at: the event FailedPreStopHook, and SIGTERM to the app at once. The hook
has to say host: 127.0.0.1, or Lameduck is the app's parent (the shape wrapper), which needs no hook and which the Pod Security level baseline has
nothing against.`,
		check: eachHook(hostNetworkHook),
	},
	{
		ID: "hook-with-foreign-port-name", Severity: Error,
		Title: "an httpGet hook names a port that its own container does not declare",
		Explanation: `The kubelet looks for the name among the ports of the hook's own container and nowhere else. For the name of another container's port, such as
Lameduck's, the hook fails and the app gets SIGTERM at once. A number needs nobody to declare it.`,
		check: eachHook(hookWithForeignPortName),
	},
	{
		ID: "exec-hook-without-shell", Severity: Error,
		Title: "an exec hook runs a command that its image does not have",
		Explanation: `Images without a shell have no sleep either. The hook fails (FailedPreStopHook), and the app gets SIGTERM at once. This looks at images that are known
to have none: distroless, pause, those of Kubernetes itself and some others; what it does not know it says nothing about.`,
		check: eachHook(execHookWithoutShell),
	},
	{
		ID: "job-never-completes", Severity: Error,
		Title: "a Job has Lameduck as a plain container",
		Explanation: `A Job is complete when all its containers have ended, and Lameduck ends when it is told to. As a native sidecar it is stopped when the Job's own
containers have ended.`,
		check: eachProtected(jobNeverCompletes),
	},
}

func unprotected(w *workload, say say) {
	if w.duck != nil || w.refused != nil {
		return
	}
	for _, c := range w.serving() {
		if h, at := c.preStop(); h == nil {
			say(at, fmt.Sprintf("container %s gets SIGTERM while load balancers still send to the pod, so every rollout loses requests", c.Name),
				"add Lameduck: lameduckctl inject, or the label lameduck.dev/inject=enabled on the namespace where its webhook runs")
		}
	}
}

func notHeld(w *workload, d *duck, say say) {
	for _, c := range w.serving() {
		// A native sidecar is stopped after the containers that are held.
		if _, at := c.preStop(); !c.native && !d.holds(c) && !d.isAimedAt(c) {
			say(at, fmt.Sprintf("container %s does not wait for the drain's end, so it gets SIGTERM (or ends) while requests still come", c.Name),
				fmt.Sprintf("add preStop: { httpGet: { path: /hold, port: %d } }, or wrap a container that has a hook of its own", d.admin))
		}
	}
}

func drainHookMissing(_ *workload, d *duck, say say) {
	if h, at := d.preStop(); d.shape == native && (h == nil || h.Exec == nil || !slices.Contains(h.Exec.Command, "drain")) {
		say(at, "a native sidecar gets no SIGTERM before the app has gone, so nothing begins the drain and the app is let go after 5 s",
			"add preStop: { exec: { command: [/lameduck, drain, --native] } }")
	}
}

func drainHookOfAnotherShape(_ *workload, d *duck, say say) {
	h, at := d.preStop()
	if h == nil || h.Exec == nil || !slices.Contains(h.Exec.Command, "drain") {
		return
	}
	at = at.Child("exec", "command")
	switch said := slices.Contains(h.Exec.Command, "--native"); {
	case d.shape == native && !said:
		say(at, "without --native the SIGTERM at the grace period's end is waited out, so what is left is killed and told by nobody", "call lameduck drain --native")
	case d.shape == plain && said:
		say(at, "a plain container gets SIGTERM right after its hook and --native takes that for the end, so requests are cut at once", "call lameduck drain, without --native")
	}
}

func hookMissesLameduck(w *workload, c container, say say) {
	h, at := c.preStop()
	if w.duck == nil || w.duck.holds(c) || !w.duck.isAimedAt(c) {
		return
	}
	if foreign := c.port(h.HTTPGet.Port) == 0; !foreign { // that is another rule's
		say(at.Child("httpGet"), fmt.Sprintf("GET %s at port %s is not Lameduck's /hold, so container %s gets SIGTERM at once", h.HTTPGet.Path, h.HTTPGet.Port.String(), c.Name),
			fmt.Sprintf("say { path: /hold, port: %d }", w.duck.admin))
	}
}

func hookWithHost(w *workload, c container, say say) {
	if h, at := c.preStop(); h.HTTPGet != nil && h.HTTPGet.Host != "" && !w.template.Spec.HostNetwork {
		say(at.Child("httpGet", "host"), fmt.Sprintf("the kubelet calls %s from the node, where the pod is not, so the hook fails and container %s gets SIGTERM at once",
			h.HTTPGet.Host, c.Name),
			"leave host out: the kubelet takes the pod's address")
	}
}

func hostNetworkHook(w *workload, c container, say say) {
	if h, at := c.preStop(); h.HTTPGet != nil && h.HTTPGet.Host == "" && w.template.Spec.HostNetwork {
		say(at.Child("httpGet"), fmt.Sprintf("the kubelet has no address of a pod on the node's network, so the hook fails and container %s gets SIGTERM at once", c.Name),
			"say host: 127.0.0.1, or use the shape wrapper, which needs no hook")
	}
}

func hookWithForeignPortName(_ *workload, c container, say say) {
	if h, at := c.preStop(); h.HTTPGet != nil && h.HTTPGet.Port.Type == intstr.String && c.port(h.HTTPGet.Port) == 0 {
		say(at.Child("httpGet", "port"), fmt.Sprintf("container %s declares no port %s and no other is looked at, so the hook fails and it gets SIGTERM at once",
			c.Name, h.HTTPGet.Port.StrVal),
			"say the number")
	}
}

func execHookWithoutShell(_ *workload, c container, say say) {
	h, at := c.preStop()
	if h.Exec == nil || len(h.Exec.Command) == 0 || !needsUserland(h.Exec.Command[0]) || !withoutShell(c.Image) {
		return
	}
	say(at.Child("exec", "command"), fmt.Sprintf("image %s has no %s, so the hook fails and container %s gets SIGTERM at once", c.Image, h.Exec.Command[0], c.Name),
		"let the kubelet sleep (preStop: { sleep: { seconds: 30 } }, Kubernetes 1.30 or later), or let Lameduck hold")
}

func jobNeverCompletes(w *workload, d *duck, say say) {
	if w.isJob() && d.shape == plain {
		say(d.path, "Lameduck runs on when the Job's own containers have ended, so the Job never completes", "make it a native sidecar, or take it out: a Job has no clients")
	}
}

// probePort is the port that a probe connects to. False: it runs a command, or there is none.
func probePort(p *corev1.Probe) (intstr.IntOrString, bool) {
	switch {
	case p == nil:
	case p.HTTPGet != nil:
		return p.HTTPGet.Port, true
	case p.TCPSocket != nil:
		return p.TCPSocket.Port, true
	case p.GRPC != nil:
		return intstr.FromInt32(p.GRPC.Port), true
	}
	return intstr.IntOrString{}, false
}
