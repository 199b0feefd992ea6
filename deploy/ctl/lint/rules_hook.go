package lint

import (
	"fmt"
	"slices"

	"lameduck/deploy/ctl/inject"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// hookRules check the preStop hooks.
var hookRules = []Rule{
	{
		ID: "unprotected", Severity: Error,
		needs: []string{"services"},
		Title: "a container that serves has neither Lameduck nor a preStop hook",
		Explanation: `The container gets SIGTERM as soon as the pod is deleted, while load balancers keep
routing to it for another 1 to 300 seconds. If the app stops listening on SIGTERM, all requests in that time
are lost, in every rollout, scale-down and node drain.`,
		check: eachWorkload(unprotected),
	},
	{
		ID: "container-not-held", Severity: Error,
		needs: []string{"services"},
		Title: "a container that serves does not wait for the end of the drain",
		Explanation: `The pod has Lameduck, but this container has no preStop hook that gets /hold, so the
kubelet sends it SIGTERM at once, or when its own hook ends, during the drain. Every container that serves
needs the hook. A container has one preStop hook, so /hold replaces another one.`,
		check: eachProtected(notHeld),
	},
	{
		ID: "drain-hook-missing", Severity: Error,
		Title: "nothing begins the drain of a native sidecar",
		Explanation: `A native sidecar gets SIGTERM only after the app has exited. Its own preStop hook,
lameduck drain --native, begins the drain. Without the hook, /hold returns after LAMEDUCK_HOOK_WINDOW (5 s),
as in a container restart, and nothing drains.`,
		check: eachProtected(drainHookMissing),
	},
	{
		ID: "drain-hook-of-another-shape", Severity: Error,
		Title: "lameduck drain has --native in a plain container, or lacks it in a native sidecar",
		Explanation: `With --native, a SIGTERM during the drain means that the app has exited or the grace
period is over. That is true in a native sidecar, which without the flag does not cut and log the remaining
requests at the end of the grace period. A plain container gets SIGTERM right after its hook, so with the
flag its drain ends at once.`,
		check: eachProtected(drainHookOfAnotherShape),
	},
	{
		ID: "hook-misses-lameduck", Severity: Error,
		Title: "a hook calls another port than Lameduck's admin port, or another path than /hold",
		Explanation: `The kubelet ignores the status of a hook: after a refused connection or a 404 it sends
SIGTERM to the app at once. Only GET /hold at Lameduck's admin address (LAMEDUCK_ADMIN, port 18081) waits
for the end of the drain.`,
		check: eachHook(hookMissesLameduck),
	},
	{
		ID: "hook-with-host", Severity: Error,
		Title: "an httpGet hook has a host",
		Explanation: `The kubelet calls the hook from the node. Without a host it uses the address of the pod,
which is right. The host 127.0.0.1 is the loopback of the node, and the name of a Service may be any pod.
The Pod Security level baseline forbids the field since Kubernetes 1.34. With hostNetwork a host is needed,
because the kubelet knows no address of the pod.`,
		check: eachHook(hookWithHost),
	},
	{
		ID: "host-network-hook", Severity: Error,
		Title: "an httpGet hook without host in a pod with hostNetwork",
		Explanation: `With hostNetwork the kubelet knows no address of the pod, so the hook fails (event
FailedPreStopHook) and the app gets SIGTERM at once. Set host: 127.0.0.1, or use the shape wrapper, which
needs no hook and complies with the Pod Security level baseline.`,
		check: eachHook(hostNetworkHook),
	},
	{
		ID: "hook-with-foreign-port-name", Severity: Error,
		Title: "an httpGet hook uses a port name that its own container does not declare",
		Explanation: `The kubelet looks up the name among the ports of the hook's own container only. With the
name of another container's port, such as Lameduck's, the hook fails and the app gets SIGTERM at once. A
number needs no declaration.`,
		check: eachHook(hookWithForeignPortName),
	},
	{
		ID: "exec-hook-without-shell", Severity: Error,
		Title: "an exec hook runs a command that its image does not have",
		Explanation: `Images without a shell have no sleep either. The hook fails (event FailedPreStopHook)
and the app gets SIGTERM at once. The rule knows distroless and pause images, those of Kubernetes itself and
some others. It ignores unknown images.`,
		check: eachHook(execHookWithoutShell),
	},
	{
		ID: "job-never-completes", Severity: Error,
		Title: "a Job has Lameduck as a plain container",
		Explanation: `A Job is complete when all its containers have exited, and a plain Lameduck runs until
it is stopped. The kubelet stops a native sidecar when the Job's own containers have exited.`,
		check: eachProtected(jobNeverCompletes),
	},
}

func unprotected(w *workload, report objectReporter) {
	if w.sidecar != nil || w.refused != nil {
		return
	}
	for _, c := range w.serving() {
		if h, at := c.preStop(); h == nil {
			report(at,
				fmt.Sprintf("container %s gets SIGTERM while load balancers still route to the pod, so "+
					"every rollout loses requests",
					c.Name),
				"add Lameduck with lameduckctl inject, or label the namespace lameduck.dev/inject=enabled "+
					"if the webhook is installed")
		}
	}
}

func notHeld(w *workload, d *sidecar, report objectReporter) {
	for _, c := range w.serving() {
		// The kubelet stops a native sidecar after the other containers.
		h, at := c.preStop()
		if c.native || d.holds(c) || d.isAimedAt(c) {
			continue
		}
		hook := fmt.Sprintf("preStop: { httpGet: { path: /hold, port: %d } }", d.admin)
		fix := "add " + hook
		if h != nil {
			fix = "replace its hook by " + hook + ", or use shape wrapper, which needs no hook"
		}
		report(at,
			fmt.Sprintf("container %s does not wait for the end of the drain, so it gets SIGTERM (or exits) "+
				"while requests arrive", c.Name), fix)
	}
}

func drainHookMissing(_ *workload, d *sidecar, report objectReporter) {
	h, at := d.preStop()
	if d.shape == inject.Native && (h == nil || h.Exec == nil || !slices.Contains(h.Exec.Command, "drain")) {
		report(at,
			"a native sidecar gets no SIGTERM before the app has exited, so nothing begins the drain and "+
				"/hold returns after 5 s",
			"add preStop: { exec: { command: [/lameduck, drain, --native] } }")
	}
}

func drainHookOfAnotherShape(_ *workload, d *sidecar, report objectReporter) {
	h, at := d.preStop()
	if h == nil || h.Exec == nil || !slices.Contains(h.Exec.Command, "drain") {
		return
	}
	at = at.Child("exec", "command")
	switch native := slices.Contains(h.Exec.Command, "--native"); {
	case d.shape == inject.Native && !native:
		report(at,
			"without --native a SIGTERM at the end of the grace period is ignored, so the remaining "+
				"requests are killed and not logged",
			"use lameduck drain --native")
	case d.shape == inject.Plain && native:
		report(at,
			"a plain container gets SIGTERM right after its hook and with --native that ends the drain, so "+
				"requests are cut at once",
			"use lameduck drain without --native")
	}
}

func hookMissesLameduck(w *workload, c container, report objectReporter) {
	h, at := c.preStop()
	if w.sidecar == nil || w.sidecar.holds(c) || !w.sidecar.isAimedAt(c) {
		return
	}
	if c.port(h.HTTPGet.Port) == 0 {
		return // rule hook-with-foreign-port-name reports this
	}
	report(at.Child("httpGet"), fmt.Sprintf("GET %s at port %s is not Lameduck's /hold, so container %s "+
		"gets SIGTERM at once",
		h.HTTPGet.Path, h.HTTPGet.Port.String(), c.Name),
		fmt.Sprintf("use { path: /hold, port: %d }", w.sidecar.admin))
}

func hookWithHost(w *workload, c container, report objectReporter) {
	if h, at := c.preStop(); h.HTTPGet != nil && h.HTTPGet.Host != "" && !w.template.Spec.HostNetwork {
		report(at.Child("httpGet", "host"),
			fmt.Sprintf("the kubelet calls %s from the node and not the pod, so the hook fails and "+
				"container %s gets SIGTERM at once",
				h.HTTPGet.Host, c.Name),
			"remove host: the kubelet uses the address of the pod")
	}
}

func hostNetworkHook(w *workload, c container, report objectReporter) {
	if h, at := c.preStop(); h.HTTPGet != nil && h.HTTPGet.Host == "" && w.template.Spec.HostNetwork {
		report(at.Child("httpGet"),
			fmt.Sprintf("the kubelet knows no address of a pod with hostNetwork, so the hook fails and "+
				"container %s gets SIGTERM at once",
				c.Name),
			"set host: 127.0.0.1, or use the shape wrapper, which needs no hook")
	}
}

func hookWithForeignPortName(_ *workload, c container, report objectReporter) {
	if h, at := c.preStop(); h.HTTPGet != nil && h.HTTPGet.Port.Type == intstr.String && c.port(h.HTTPGet.Port) == 0 {
		report(at.Child("httpGet", "port"),
			fmt.Sprintf("container %s itself declares no port %s, so the hook fails and the container gets "+
				"SIGTERM at once",
				c.Name, h.HTTPGet.Port.StrVal),
			"use the number of the port")
	}
}

func execHookWithoutShell(_ *workload, c container, report objectReporter) {
	h, at := c.preStop()
	if h.Exec == nil || len(h.Exec.Command) == 0 || !needsUserland(h.Exec.Command[0]) || !withoutShell(c.Image) {
		return
	}
	report(at.Child("exec", "command"), fmt.Sprintf("image %s has no %s, so the hook fails and container "+
		"%s gets SIGTERM at once",
		c.Image, h.Exec.Command[0], c.Name),
		"use preStop: { sleep: { seconds: 30 } } (Kubernetes 1.30 or later), or let Lameduck hold the "+
			"container")
}

func jobNeverCompletes(w *workload, d *sidecar, report objectReporter) {
	if w.isJob() && d.shape == inject.Plain {
		report(d.path,
			"Lameduck keeps running after the Job's own containers have exited, so the Job never completes",
			"make it a native sidecar, or remove it: a Job has no clients")
	}
}

// probePort returns the port of a probe, and false if the probe runs a command or there is none.
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
