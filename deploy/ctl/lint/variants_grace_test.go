package lint

import (
	"testing"
	"time"
)

func TestFindingsOfHoldsAndSettings(t *testing.T) {
	expectFindings(t, map[string]variant{
		"a sleep in a shell": {
			manifest: sleepManifest,
			edits: edits{
				sleepHook, `preStop: { exec: { command: [sh, -c, "sleep 26 && nginx -s quit"] } }`,
			},
			want: []string{"grace-period-too-short"},
		},
		"a sleep that fits": {
			manifest: sleepManifest,
			edits:    edits{sleepHook, `preStop: { exec: { command: [/bin/sleep, "25"] } }`},
		},
		"an app that stops slowly": {
			manifest: sleepManifest,
			options:  Options{AppStop: 11 * time.Second},
			want:     []string{"grace-period-too-short"},
		},
		"a sleep shorter than the LB's delay": {
			manifest: sleepManifest,
			options:  Options{LBDelay: 21 * time.Second},
			want:     []string{"hold-shorter-than-lb-delay"},
		},
		"a sleep as long as the LB's delay": {
			manifest: sleepManifest,
			options:  Options{LBDelay: 20 * time.Second},
		},
		"the annotation sets the LB's delay": {
			manifest: sleepManifest,
			edits: edits{
				podLabels, podLabels + "      annotations: { lameduck.dev/lb-delay: 21s }\n",
			},
			options: Options{LBDelay: time.Second},
			want:    []string{"hold-shorter-than-lb-delay"},
		},
		"the annotation names a load balancer with a long delay": {
			manifest: nativeManifest,
			edits:    edits{podLabels, podLabels + "      annotations: { lameduck.dev/lb: nlb }\n"},
			want:     []string{"hold-shorter-than-lb-delay"},
		},
		"the annotation names one with a short delay": {
			manifest: nativeManifest,
			edits:    edits{podLabels, podLabels + "      annotations: { lameduck.dev/lb: ingress-nginx }\n"},
			options:  Options{LB: "nlb", LBDelay: time.Hour},
		},
		"a delay overrides that of the load balancer": {
			manifest: nativeManifest,
			edits: edits{
				podLabels,
				podLabels + "      annotations: { lameduck.dev/lb: nlb, lameduck.dev/lb-delay: 107s }\n",
			},
			want: []string{"lb-delay-too-short"},
		},
		"no delay at all": {
			manifest: nativeManifest,
			edits: edits{
				podLabels,
				podLabels + "      annotations: { lameduck.dev/lb: alb, lameduck.dev/lb-delay: 0s }\n",
			},
			options: Options{LBDelay: time.Hour},
			want:    []string{"lb-delay-too-short"},
		},
		"an unknown load balancer": {
			manifest: nativeManifest,
			edits:    edits{podLabels, podLabels + "      annotations: { lameduck.dev/lb: elb }\n"},
			want:     []string{"setting-refused"},
		},
		"the options name a load balancer": {
			manifest: nativeManifest,
			options:  Options{LB: "nlb"},
			want:     []string{"hold-shorter-than-lb-delay"},
		},
		"the options name one and set a delay": {
			manifest: nativeManifest,
			options:  Options{LB: "nlb", LBDelay: 107 * time.Second},
		},
		"a sleep shorter than the load balancer needs": {
			manifest: sleepManifest,
			options:  Options{LB: "alb"},
			want:     []string{"hold-shorter-than-lb-delay"},
		},
		"a maximum that does not fit": {
			manifest: nativeManifest,
			edits: edits{
				graceSetting,
				graceSetting + "\n            - { name: LAMEDUCK_HOLD_MAX, value: 113s }",
			},
			want: []string{"setting-refused"},
		},
		"a maximum that just fits": {
			manifest: nativeManifest,
			edits: edits{
				graceSetting,
				graceSetting + "\n            - { name: LAMEDUCK_HOLD_MAX, value: 112s }",
			},
		},
		"no time to hold": {
			manifest: nativeManifest,
			edits:    edits{"Seconds: 120", "Seconds: 12", "120s", "12s"},
			want:     []string{"setting-refused"},
		},
		"a hold that the pod has no time for": {
			manifest: nativeManifest,
			edits: edits{
				graceSetting,
				graceSetting + "\n            - { name: LAMEDUCK_HOLD_MAX, value: 112s }",
				"Seconds: 120", "Seconds: 119",
			},
			want: []string{"grace-period-differs", "grace-period-too-short"},
		},
		"just time to hold": {
			manifest: nativeManifest,
			edits:    edits{"Seconds: 120", "Seconds: 13", "120s", "13s"},
		},
		"the grace period is the default": {
			manifest: nativeManifest,
			edits:    edits{graceSetting, ""},
			want:     []string{"grace-period-differs"},
		},
		"the grace period is in a ConfigMap": {
			manifest: nativeManifest,
			edits: edits{
				graceSetting,
				"- { name: LAMEDUCK_GRACE_PERIOD, valueFrom: { configMapKeyRef: { name: a, key: " +
					"b } } }",
			},
		},
		"an invalid duration": {
			manifest: nativeManifest,
			edits: edits{
				graceSetting,
				graceSetting + "\n            - { name: LAMEDUCK_APP_STOP, value: 5 s }",
			},
			want: []string{"setting-refused"},
		},
		"an admin port": {
			manifest: nativeManifest,
			edits: edits{
				graceSetting,
				graceSetting + "\n            - { name: LAMEDUCK_ADMIN, value: \"18081\" }",
			},
		},
		"an invalid address": {
			manifest: nativeManifest,
			edits: edits{
				graceSetting,
				graceSetting + "\n            - { name: LAMEDUCK_ADMIN, value: localhost }",
			},
			want: []string{"setting-refused"},
		},
		"an unknown variable": {
			manifest: nativeManifest,
			edits: edits{
				graceSetting,
				graceSetting + "\n            - { name: LAMEDUCK_HOLD_MINIMUM, value: 5s }",
			},
			want: []string{"setting-refused"},
		},
		"an empty variable": {
			manifest: nativeManifest,
			edits: edits{
				graceSetting, graceSetting + "\n            - { name: LAMEDUCK_HOLD_MIN }",
			},
		},
		"a minimum that may fit": {
			manifest: nativeManifest,
			edits: edits{
				graceSetting,
				"- { name: LAMEDUCK_GRACE_PERIOD, valueFrom: { configMapKeyRef: { name: a, key: " +
					"b } } }\n" +
					"            - { name: LAMEDUCK_HOLD_MIN, value: 60s }",
			},
		},
		"an invalid signal beside an unknown value": {
			manifest: nativeManifest,
			edits: edits{
				graceSetting,
				"- { name: LAMEDUCK_GRACE_PERIOD, valueFrom: { configMapKeyRef: { name: a, key: " +
					"b } } }\n" +
					"            - { name: LAMEDUCK_STOP_SIGNAL, value: FOO }",
			},
			want: []string{"setting-refused"},
		},
		"an unknown annotation": {
			manifest: nativeManifest,
			edits: edits{
				podLabels, podLabels + "      annotations: { lameduck.dev/lb-dealy: 21s }\n",
			},
			want: []string{"setting-refused"},
		},
	})
}
