package inject

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// osLabels are the labels of nodes with their operating system.
var osLabels = []string{corev1.LabelOSStable, "beta.kubernetes.io/os"}

// windowsField returns the field by which a pod can run on Windows only, or an empty string.
func windowsField(spec *corev1.PodSpec) string {
	switch os := spec.OS; {
	case os != nil && os.Name == corev1.Windows:
		return "spec.os"
	case os != nil:
		return ""
	}
	for _, label := range osLabels {
		if value, is := spec.NodeSelector[label]; is && value == string(corev1.Windows) {
			return "spec.nodeSelector[" + label + "]"
		}
	}
	if requiresWindows(spec.Affinity) {
		return "spec.affinity.nodeAffinity"
	}
	if s := spec.SecurityContext; s != nil && isSet(s.WindowsOptions) {
		return "spec.securityContext.windowsOptions"
	}
	for _, c := range allContainers(spec) {
		if s := c.SecurityContext; s != nil && isSet(s.WindowsOptions) {
			return c.field() + ".securityContext.windowsOptions"
		}
	}
	return ""
}

func isSet(o *corev1.WindowsSecurityContextOptions) bool {
	return o != nil && *o != corev1.WindowsSecurityContextOptions{}
}

// requiresWindows reports whether each term of a required node affinity demands Windows. A node need
// match one term only.
func requiresWindows(a *corev1.Affinity) bool {
	if a == nil || a.NodeAffinity == nil || a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return false
	}
	terms := a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
	return len(terms) > 0 && !slices.ContainsFunc(terms, func(t corev1.NodeSelectorTerm) bool {
		return !slices.ContainsFunc(t.MatchExpressions, demandsWindows)
	})
}

func demandsWindows(r corev1.NodeSelectorRequirement) bool {
	if !slices.Contains(osLabels, r.Key) {
		return false
	}
	switch windows := string(corev1.Windows); r.Operator {
	case corev1.NodeSelectorOpIn:
		return slices.Equal(r.Values, []string{windows})
	case corev1.NodeSelectorOpNotIn:
		return slices.Contains(r.Values, string(corev1.Linux)) && !slices.Contains(r.Values, windows)
	}
	return false
}
