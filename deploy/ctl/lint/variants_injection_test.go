package lint

import (
	"slices"
	"testing"
)

// What the webhook does is what it would do on the cluster, with all that surrounds the pods.
func TestTheWebhookIsSimulatedWithWhatItKnows(t *testing.T) {
	const (
		labelled = "pod-not-injected/bad.yaml" // with pods that are older than the label
		port     = "          ports: [{ name: http, containerPort: 8080 }]\n"
		probe    = "          readinessProbe: { httpGet: { path: /, port: http } }\n"
		sticky   = "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\n" +
			"metadata: { name: web, annotations: { nginx.ingress.kubernetes.io/affinity: cookie } }\n" +
			"spec: { defaultBackend: { service: { name: web, port: { number: 80 } } } }\n"
		full = "---\napiVersion: v1\nkind: ResourceQuota\nmetadata: { name: full }\n" +
			"spec: { hard: { limits.memory: 1Gi } }\nstatus: { hard: { limits.memory: 1Gi }, used: { limits.memory: 1000Mi } }\n"
		tight = "---\napiVersion: v1\nkind: LimitRange\nmetadata: { name: tight }\n" +
			"spec: { limits: [{ type: Pod, max: { memory: 1Mi } }] }\n"
	)
	for name, tc := range map[string]struct {
		text    string
		options Options
		rule    string
		want    bool
	}{
		"pods from before the label":     {edited(t, labelled, nil), Options{}, "pod-not-injected", true},
		"pods without clients":           {edited(t, labelled, edits{port, "", probe, ""}), Options{}, "pod-not-injected", false},
		"a cluster with native sidecars": {edited(t, labelled, nil), Options{Releases: Releases{30}}, "native-sidecar-too-early", false},
		"a cluster without":              {edited(t, labelled, nil), Options{Releases: Releases{27, 28}}, "native-sidecar-too-early", false},
		"a node that is too old":         {edited(t, labelled, nil), Options{Releases: Releases{28, 30}}, "native-sidecar-too-early", true},
		"sticky sessions":                {edited(t, labelled, nil) + sticky, Options{}, "sticky-sessions", false},
		"a full quota":                   {edited(t, labelled, nil) + full, Options{}, "injection-refused", true},
		"a tight LimitRange":             {edited(t, labelled, nil) + tight, Options{}, "injection-refused", true},
		"neither":                        {edited(t, labelled, nil), Options{}, "injection-refused", false},
	} {
		t.Run(name, func(t *testing.T) {
			if found := rulesIn(t, tc.options, tc.text); slices.Contains(found, tc.rule) != tc.want {
				t.Errorf("found %v, want %s: %v", found, tc.rule, tc.want)
			}
		})
	}
}
