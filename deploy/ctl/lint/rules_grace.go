package lint

import (
	"fmt"
	"math"
	"path"
	"strconv"
	"strings"
	"time"
)

// graceRules check what must fit into the grace period.
var graceRules = []Rule{
	{
		ID: "grace-period-too-short", Severity: Error,
		Title: "the grace period is too short for the hold and the app's stop",
		Explanation: `The grace period (terminationGracePeriodSeconds, 30 s by default) includes
the preStop hooks. The hold and the app's own stop after SIGTERM must fit: LAMEDUCK_HOLD_MAX +
LAMEDUCK_APP_STOP + 3 s for Lameduck, or the seconds of a sleep plus the time that the app needs
(--app-stop). Otherwise the kubelet sends SIGTERM at the end of the grace period and SIGKILL two seconds
later, and requests in flight are cut. Lameduck refuses to start with a hold that does not fit.`,
		check: eachWorkload(graceTooShort),
	},
	{
		ID: "grace-period-differs", Severity: Error,
		Title: "LAMEDUCK_GRACE_PERIOD is not the pod's terminationGracePeriodSeconds",
		Explanation: `A pod cannot read its grace period, so it is configured twice. Lameduck derives the
maximum of the hold from LAMEDUCK_GRACE_PERIOD (30 s by default). If that is longer than the pod's, the
kubelet kills the pod during the hold and requests are cut. If it is shorter, the hold ends too early.`,
		check: eachProtected(graceDiffers),
	},
	{
		ID: "hold-shorter-than-lb-delay", Severity: Error,
		Title: "the hold ends before the load balancer stops routing to the pod",
		Explanation: `A load balancer keeps routing to a pod for a while after its deletion: 1 to 10 s in the
cluster, up to five minutes in some clouds. The hold must last that long and, with Lameduck, for the
silence after it (LAMEDUCK_HOLD_QUIET). Name your load balancer with --lb or with the annotation
lameduck.dev/lb on the pod template, or set its delay with --lb-delay or lameduck.dev/lb-delay; the metric
lameduck_drain_last_exchange_seconds shows it. An annotation overrides the flags. Without any, this is not
checked.`,
		check: eachWorkload(holdTooShort),
	},
	{
		ID: "lb-delay-too-short", Severity: Warning,
		Title: "the delay is shorter than the load balancer needs",
		Explanation: `The annotation lameduck.dev/lb-delay overrides the delay of the preset lameduck.dev/lb,
and is shorter than the delay that people have seen with this load balancer. If nothing is sent to the pod
for a while, the hold may end before the load balancer stops routing to it. Remove the annotation, or ignore
this rule if you have measured the delay.`,
		check: eachWorkload(delayTooShort),
	},
	{
		ID: "setting-refused", Severity: Error,
		Title: "Lameduck, or its injection, refuses a setting",
		Explanation: `A LAMEDUCK_ variable is unknown or invalid, or contradicts another one, such as a hold
that does not fit into the grace period. Lameduck refuses to start with it, and the rollout hangs. Or a
lameduck.dev/ annotation is unknown or invalid, and the pod is not injected.`,
		check: eachWorkload(settingRefused),
	},
}

func graceTooShort(w *workload, report objectReporter) {
	grace, at := w.grace()
	for _, c := range w.apps() {
		held, need, what := w.needs(c)
		if !held || need <= time.Duration(grace)*time.Second {
			continue
		}
		report(at,
			fmt.Sprintf("container %s needs %v (%s) but the grace period is %d s, so it is killed with "+
				"requests in flight",
				c.Name, need, what, grace),
			fmt.Sprintf("set terminationGracePeriodSeconds to %d or more%s", seconds(need),
				alsoInEnvironment(w.sidecar)))
		return
	}
}

// needs returns how long the end of a container takes, if that is known: the hold and the app's
// stop.
func (w *workload) needs(c container) (known bool, need time.Duration, what string) {
	if d := w.sidecar; d != nil && d.holds(c) {
		c := d.config
		hold := max(c.HoldMin, c.HoldQuiet)
		if d.fixed {
			hold = max(hold, c.HoldMax)
		}
		need = hold + c.AppStop + margin
		if need > c.GracePeriod {
			return false, 0, "" // rule setting-refused reports this
		}
		return !d.unknown, need, fmt.Sprintf("%v for the hold, %v for the app to stop, a margin of %v", hold,
			c.AppStop, margin)
	}
	s, slept := sleeps(c)
	stop := w.in.options.AppStop
	return slept, s + stop, fmt.Sprintf("%v of sleep and %v to stop", s, stop)
}

// sleeps returns how long a preStop hook sleeps, and false if it does something else.
func sleeps(c container) (time.Duration, bool) {
	h, _ := c.preStop()
	switch {
	case h == nil:
		return 0, false
	case h.Sleep != nil:
		return time.Duration(h.Sleep.Seconds) * time.Second, true
	case h.Exec != nil:
		return sleepCommand(h.Exec.Command)
	}
	return 0, false
}

// sleepCommand parses `sleep 15`, also in a shell and with other commands after it.
func sleepCommand(command []string) (time.Duration, bool) {
	isSeparator := func(r rune) bool { return strings.ContainsRune(" ;&\n\"'", r) }
	words := strings.FieldsFunc(strings.Join(command, " "), isSeparator)
	for i, word := range words[:max(0, len(words)-1)] {
		if path.Base(word) != "sleep" {
			continue
		}
		if s, err := strconv.ParseFloat(strings.TrimSuffix(words[i+1], "s"),
			64); err == nil && s >= 0 && s < 1e6 {
			return time.Duration(s * float64(time.Second)), true
		}
	}
	return 0, false
}

func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

func alsoInEnvironment(d *sidecar) string {
	if d == nil {
		return ", or sleep less"
	}
	return ", and LAMEDUCK_GRACE_PERIOD to the same"
}

func graceDiffers(w *workload, d *sidecar, report objectReporter) {
	grace, _ := w.grace()
	set := d.config.GracePeriod
	if d.unknown || set == time.Duration(grace)*time.Second {
		return
	}
	consequence := "the hold ends too early"
	if set > time.Duration(grace)*time.Second {
		consequence = "the kubelet kills the pod during the hold"
	}
	report(d.setting("LAMEDUCK_GRACE_PERIOD"), fmt.Sprintf("LAMEDUCK_GRACE_PERIOD is %v but the grace "+
		"period is %d s, so %s", set, grace, consequence),
		fmt.Sprintf("set LAMEDUCK_GRACE_PERIOD to %ds, or terminationGracePeriodSeconds to %d", grace,
			seconds(set)))
}

func holdTooShort(w *workload, report objectReporter) {
	delay, lb := w.lbDelay()
	if delay == 0 || !w.serves() {
		return
	}
	for _, c := range w.serving() {
		if d := w.sidecar; d != nil && d.holds(c) {
			c := d.config
			if need := delay + c.HoldQuiet; !d.unknown && c.HoldMax < need {
				report(d.setting("LAMEDUCK_GRACE_PERIOD"),
					fmt.Sprintf("the hold lasts at most %v but needs %v (%v until %s stops "+
						"routing, %v of silence), "+
						"so the last requests are lost", c.HoldMax, need, delay, lb, c.HoldQuiet),
					fmt.Sprintf("set terminationGracePeriodSeconds and LAMEDUCK_GRACE_PERIOD to %d s or more",
						seconds(need+c.AppStop+margin)))
			}
			return
		}
		if s, slept := sleeps(c); slept && s < delay {
			_, at := c.preStop()
			report(at,
				fmt.Sprintf("container %s sleeps for %v but %s stops routing after %v, so "+
					"requests in between are lost",
					c.Name, s, lb, delay),
				fmt.Sprintf("sleep for %d s or more, or let Lameduck hold until the traffic has stopped",
					seconds(delay)))
		}
	}
}

func settingRefused(w *workload, report objectReporter) {
	annotationRefused(w, report)
	if w.sidecar == nil {
		return
	}
	for _, p := range w.sidecar.problems {
		report(w.sidecar.setting(p.Variable), p.Error()+", so Lameduck refuses to start and the rollout "+
			"hangs",
			"change it; `lameduck --help` lists the variables and their values")
	}
}
