package lint

import (
	"fmt"
	"strconv"
	"strings"

	"lameduck/deploy/ctl/inject"
)

// observeRules check pods with ports that Lameduck observes and does not relay.
var observeRules = []Rule{
	{
		ID: "kept-connections-not-closed", Severity: Info,
		Title: "clients of observed ports are not asked to disconnect",
		Explanation: `Lameduck observes the port and does not relay it. A drain holds until the traffic has
ended, so new connections lose nothing. But a client that keeps its connection is not asked to disconnect:
one that goes on sending requests holds until LAMEDUCK_HOLD_MAX, and those that are open when the app stops
fail once each. The drain summary counts them. The annotation lameduck.dev/injected-mode has the reason for
the mode, and what would have to change for a mode that relays. What reads metrics at an observed port is such
a client too: it does not stop during a drain.`,
		check: eachProtected(keptConnections),
	},
}

func keptConnections(w *workload, d *sidecar, report objectReporter) {
	if !d.has(observeVariable) || !w.serves() {
		return
	}
	ports := "the observed ports"
	if len(d.config.Observe) > 0 {
		ports = "port " + joinPorts(d.config.Observe)
	}
	report(d.setting(observeVariable),
		fmt.Sprintf("clients of %s are not asked to disconnect, so connections that they keep may fail once "+
			"each when the app stops", ports),
		"nothing needs to change if their clients retry; else "+moreThanObserved(w))
	for _, port := range d.config.Observe {
		if by := w.scrapedBy(int32(port)); by != "" {
			report(d.setting(observeVariable),
				fmt.Sprintf("what reads metrics at port %d (%s) does not stop during a drain, so the hold lasts until "+
					"LAMEDUCK_HOLD_MAX", port, by),
				"let the app serve metrics at a port of their own, which is not observed")
		}
	}
}

// scrapedBy returns why metrics are known to be read at a port, or an empty string.
func (w *workload) scrapedBy(number int32) string {
	name := ""
	for _, c := range w.apps() {
		for _, p := range c.Ports {
			if p.ContainerPort == number && isTCP(p.Protocol) {
				name = p.Name
			}
		}
	}
	return inject.ScrapedBy(w.template, number, name)
}

// moreThanObserved returns the advice that inject has written into its annotation.
func moreThanObserved(w *workload) string {
	_, more, found := strings.Cut(w.template.Annotations[inject.ModeAnnotation], "; for more: ")
	if !found {
		return "relay the port with LAMEDUCK_ROUTES"
	}
	return more
}

func joinPorts(ports []uint16) string {
	var all []string
	for _, p := range ports {
		all = append(all, strconv.Itoa(int(p)))
	}
	return strings.Join(all, ", ")
}
