package inject

import (
	"strings"
	"testing"
)

// A sidecar for Linux would keep a pod of Windows from starting.
func TestAPodThatCanRunOnWindowsOnlyIsRefused(t *testing.T) {
	const term = "{ matchExpressions: [{ key: %, operator: In, values: [windows] }] }"
	affinity := func(terms ...string) string {
		return "affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [" +
			strings.Join(terms, ", ") + "] } } }"
	}
	windows := strings.Replace(term, "%", "kubernetes.io/os", 1)
	either := strings.Replace(windows, "[windows]", "[linux, windows]", 1)
	for spec, want := range map[string]string{
		"os: { name: windows }":                                                          "spec.os",
		"os: { name: linux }":                                                            "",
		"nodeSelector: { kubernetes.io/os: windows }":                                    "spec.nodeSelector[kubernetes.io/os]",
		"nodeSelector: { beta.kubernetes.io/os: windows }":                               "spec.nodeSelector[beta.kubernetes.io/os]",
		"nodeSelector: { kubernetes.io/os: linux }":                                      "",
		"securityContext: { windowsOptions: { runAsUserName: ContainerUser } }":          "spec.securityContext.windowsOptions",
		"securityContext: { windowsOptions: {} }":                                        "",
		"os: { name: linux }, securityContext: { windowsOptions: { runAsUserName: a } }": "",
		affinity(windows): "spec.affinity.nodeAffinity",
		affinity(strings.Replace(term, "%", "beta.kubernetes.io/os", 1)):                         "spec.affinity.nodeAffinity",
		affinity(strings.Replace(windows, "In, values: [windows]", "NotIn, values: [linux]", 1)): "spec.affinity.nodeAffinity",
		affinity(either):          "",
		affinity(windows, either): "",
		affinity(windows, "{ matchExpressions: [{ key: a, operator: Exists }] }"): "",
		"affinity: {}": "",
	} {
		pod := template(t, strings.Replace(web, "spec:", "spec:\n  "+strings.ReplaceAll(spec, "}, sec", "}\n  sec"), 1))
		_, err := Inject(Workload{Kind: "Deployment", Template: pod}, defaults())
		refusals := Refusals(err)
		if got := len(refusals) == 1 && refusals[0].Field == want; got != (want != "") || err != nil && want == "" {
			t.Errorf("%s: error %v, want one about %q", spec, err, want)
		}
	}
	pod := edited(t, "image: web:1", "image: web:1\n      securityContext: { windowsOptions: { hostProcess: true } }")
	_, err := Inject(Workload{Kind: "Deployment", Template: pod}, defaults())
	if err == nil || !strings.HasPrefix(err.Error(), "spec.containers[0].securityContext.windowsOptions: ") {
		t.Errorf("a container of Windows: error %v", err)
	}
}
