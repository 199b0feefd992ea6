package lint

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// redirectRules check pods with an init container that runs lameduck redirect.
var redirectRules = []Rule{
	{
		ID: "redirect-without-route", Severity: Error,
		Title: "a port is redirected to a port at which Lameduck does not listen",
		Explanation: `lameduck redirect 8080=18080 redirects connections from the app's port 8080
to port 18080 of the pod. Without a route 18080=8080 in LAMEDUCK_ROUTES nothing listens there, and every
client is refused.`,
		check: eachWorkload(redirectWithoutRoute),
	},
	{
		ID: "redirect-refused", Severity: Error,
		Title: "a pod that redirects its ports is not admitted, or does not start",
		Explanation: `lameduck redirect needs NET_ADMIN. A namespace that enforces the Pod Security level baseline
or restricted does not admit such a pod, and on the node's network the rules would redirect the node's ports, so
the init container fails. Observe the ports there: the annotation lameduck.dev/mode: observe.`,
		check: eachWorkload(redirectRefused),
	},
}

// A redirect brings connections to one port of the pod to another one.
type redirect struct {
	from, to int32
	at       *field.Path // of the argument
}

// findRedirects returns the redirects of lameduck redirect. Those of --direct lead around the relay.
func findRedirects(spec *corev1.PodSpec, at *field.Path) (found []redirect) {
	for i := range spec.InitContainers {
		c := &spec.InitContainers[i]
		args, offset := c.Args, 0
		if len(c.Command) > 1 && path.Base(c.Command[0]) == "lameduck" {
			args, offset = c.Command[1:], 1
		}
		if imageName(c.Image) != "lameduck" && offset == 0 || len(args) == 0 || args[0] != "redirect" {
			continue
		}
		name := map[int]string{0: "args", 1: "command"}[offset]
		for n, arg := range args {
			from, to, _ := strings.Cut(arg, "=")
			first, err := strconv.ParseUint(from, 10, 16)
			second, errTo := strconv.ParseUint(to, 10, 16)
			if err == nil && errTo == nil && !strings.HasSuffix(args[n-1], "-direct") {
				found = append(found, redirect{
					int32(first), int32(second), at.Child("initContainers").Index(i).Child(name).Index(n + offset),
				})
			}
		}
	}
	return found
}

// redirect makes Lameduck listen at the ports that are redirected to it, as clients see it.
func (d *sidecar) redirect(redirects []redirect) {
	for i, r := range d.routes {
		if slices.ContainsFunc(redirects, func(one redirect) bool { return one.from == r.app && one.to == r.listen }) {
			d.routes[i].listen = r.app
		}
	}
}

func redirectWithoutRoute(w *workload, report objectReporter) {
	if w.sidecar != nil && w.sidecar.unknown {
		return
	}
	for _, r := range w.redirects {
		if w.sidecar == nil || !w.sidecar.listens(r.from) && !w.sidecar.listens(r.to) {
			report(r.at, fmt.Sprintf("port %d is redirected to %d, where no route of Lameduck listens, so every "+
				"client is refused", r.from, r.to),
				fmt.Sprintf("add %d=%d to LAMEDUCK_ROUTES", r.to, r.from))
		}
	}
}

func redirectRefused(w *workload, report objectReporter) {
	if len(w.redirects) == 0 {
		return
	}
	if w.template.Spec.HostNetwork {
		report(w.spec.Child("hostNetwork"), "the rules would redirect ports of the node, so the init container fails",
			"observe the ports, or do without hostNetwork")
	}
	if why := w.around().ForbidsRedirect(); why != "" {
		report(w.redirects[0].at, "the namespace "+why+", so the API server does not admit the pod, which has NET_ADMIN",
			"observe the ports, or let the namespace admit NET_ADMIN")
	}
}
