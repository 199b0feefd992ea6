package lint

import (
	"fmt"
	"math"
	"path"
	"strconv"
	"strings"
	"time"

	"lameduck/deploy/ctl/inject"
)

// graceRules are about time: what has to fit into the grace period.
var graceRules = []Rule{
	{
		ID: "grace-period-too-short", Severity: Error,
		Title: "the grace period ends before the hold and the app's own stop do",
		Explanation: `The time of the preStop hooks is taken from the pod's terminationGracePeriodSeconds (30 s where it is left out). What the hook waits and what the app
needs to stop after its SIGTERM have to fit: for Lameduck LAMEDUCK_HOLD_MAX + LAMEDUCK_APP_STOP + 3 s, for a sleep its seconds + what the app needs
(--app-stop). Where they do not, the kubelet sends SIGTERM at the end of the grace period and SIGKILL two seconds later, and what is in flight is cut.
Lameduck itself refuses to start with a hold that does not fit.`,
		check: eachWorkload(graceTooShort),
	},
	{
		ID: "grace-period-differs", Severity: Error,
		Title: "LAMEDUCK_GRACE_PERIOD is not the pod's terminationGracePeriodSeconds",
		Explanation: `A pod cannot see its grace period, so it is said twice, and Lameduck derives the hold's maximum from LAMEDUCK_GRACE_PERIOD (30 s where it is left
out). Said too long, the kubelet kills the pod in the middle of the hold, and requests are cut; said too short, the hold ends although there is time
left.`,
		check: eachProtected(graceDiffers),
	},
	{
		ID: "hold-shorter-than-lb-delay", Severity: Error,
		Title: "the load balancer lets go after the hold has ended",
		Explanation: `A load balancer goes on sending to a pod for a while after its deletion: 1 to 10 s in the cluster, up to three minutes in some clouds. The hold has to
last for that and, with Lameduck, for the silence after it (LAMEDUCK_HOLD_QUIET). Say what yours takes with --lb-delay or with the annotation
lameduck.dev/lb-delay on the pod template; the metric lameduck_drain_last_exchange_seconds shows it. Without either, this is not looked at.`,
		check: eachWorkload(holdTooShort),
	},
	{
		ID: "setting-refused", Severity: Error,
		Title: "Lameduck, or its injection, refuses a setting",
		Explanation: `A LAMEDUCK_ variable is unknown or invalid, or contradicts another one, such as a hold that does not fit into the grace period; or a
lameduck.dev/... annotation is. Lameduck refuses to start with such a configuration, and the rollout hangs. A pod with such an annotation is not injected.`,
		check: eachWorkload(settingRefused),
	},
}

func graceTooShort(w *workload, say say) {
	grace, at := w.grace()
	for _, c := range w.apps() {
		held, need, what := w.needs(c)
		if !held || need <= time.Duration(grace)*time.Second {
			continue
		}
		say(at, fmt.Sprintf("container %s needs %v (%s) and the grace period is %d s, so it is killed with requests in flight", c.Name, need, what, grace),
			fmt.Sprintf("set terminationGracePeriodSeconds to %d or more%s", seconds(need), alsoInEnvironment(w.duck)))
		return
	}
}

// needs is what a container's end takes, where it is known: the hold and the app's stop.
func (w *workload) needs(c container) (known bool, need time.Duration, what string) {
	if d := w.duck; d != nil && d.holds(c) {
		c := d.config
		hold := max(c.HoldMin, c.HoldQuiet)
		if d.fixed {
			hold = max(hold, c.HoldMax)
		}
		need = hold + c.AppStop + margin
		if need > c.GracePeriod {
			return false, 0, "" // Lameduck refuses it, which another rule reports
		}
		return !d.unknown, need, fmt.Sprintf("a hold of %v, %v for the app to stop, %v", hold, c.AppStop, margin)
	}
	s, slept := sleeps(c)
	stop := w.in.options.AppStop
	return slept, s + stop, fmt.Sprintf("a sleep of %v and %v to stop", s, stop)
}

// sleeps is how long a preStop hook sleeps, where that is all it does.
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

// sleepCommand reads `sleep 15`, also in a shell, with what may come after it.
func sleepCommand(command []string) (time.Duration, bool) {
	words := strings.FieldsFunc(strings.Join(command, " "), func(r rune) bool { return strings.ContainsRune(" ;&\n\"'", r) })
	for i, word := range words[:max(0, len(words)-1)] {
		if path.Base(word) != "sleep" {
			continue
		}
		if s, err := strconv.ParseFloat(strings.TrimSuffix(words[i+1], "s"), 64); err == nil && s >= 0 && s < 1e6 {
			return time.Duration(s * float64(time.Second)), true
		}
	}
	return 0, false
}

func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

func alsoInEnvironment(d *duck) string {
	if d == nil {
		return ", or sleep less"
	}
	return ", and LAMEDUCK_GRACE_PERIOD to the same"
}

func graceDiffers(w *workload, d *duck, say say) {
	grace, _ := w.grace()
	said := d.config.GracePeriod
	if d.unknown || said == time.Duration(grace)*time.Second {
		return
	}
	consequence := "the hold ends although there is time left"
	if said > time.Duration(grace)*time.Second {
		consequence = "the kubelet kills the pod in the middle of the hold"
	}
	say(d.setting("LAMEDUCK_GRACE_PERIOD"), fmt.Sprintf("Lameduck takes the grace period for %v and it is %d s, so %s", said, grace, consequence),
		fmt.Sprintf("set LAMEDUCK_GRACE_PERIOD to %ds, or terminationGracePeriodSeconds to %d", grace, seconds(said)))
}

func holdTooShort(w *workload, say say) {
	delay := w.lbDelay()
	if delay == 0 || !w.serves() {
		return
	}
	for _, c := range w.serving() {
		if d := w.duck; d != nil && d.holds(c) {
			c := d.config
			if need := delay + c.HoldQuiet; !d.unknown && c.HoldMax < need {
				say(d.setting("LAMEDUCK_GRACE_PERIOD"),
					fmt.Sprintf("the hold lasts %v at most and needs %v (%v until the load balancer lets go, %v of silence), so its last requests are lost", c.HoldMax, need, delay, c.HoldQuiet),
					fmt.Sprintf("make the grace period %d s or more, in terminationGracePeriodSeconds and in LAMEDUCK_GRACE_PERIOD", seconds(need+c.AppStop+margin)))
			}
			return
		}
		if s, slept := sleeps(c); slept && s < delay {
			_, at := c.preStop()
			say(at, fmt.Sprintf("container %s sleeps for %v and the load balancer lets go after %v, so what comes in between is lost", c.Name, s, delay),
				fmt.Sprintf("sleep for %d s or more, or let Lameduck hold until the traffic has gone", seconds(delay)))
		}
	}
}

// lbDelay is what the pod template says, or else the options. What cannot be read is a finding of another rule.
func (w *workload) lbDelay() time.Duration {
	if d, err := time.ParseDuration(w.template.Annotations[lbDelayAnnotation]); err == nil && d > 0 {
		return d
	}
	return w.in.options.LBDelay
}

const lbDelayAnnotation = inject.AnnotationPrefix + "lb-delay"

func settingRefused(w *workload, say say) {
	annotationRefused(w, say)
	if w.duck == nil {
		return
	}
	for _, p := range w.duck.problems {
		say(w.duck.setting(p.Variable), p.Error()+", so Lameduck refuses to start and the rollout hangs", "change it; `lameduck --help` lists the variables and their values")
	}
}
