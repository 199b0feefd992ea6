package manifest

import (
	"maps"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// kubectl makes keys texts, leaves dates alone and knows the words of YAML 1.1.
func TestValuesAreReadAsByKubectl(t *testing.T) {
	const text = "kind: Pod\nmetadata:\n  labels: &l {0x10: a, 1.50: b, true: c, 2024-01-01: d}\n" +
		"  annotations: {date: 2024-01-01, word: \"no\"}\nspec: {hostNetwork: yes, hostPID: Off}\nmore: *l\n"
	var pod corev1.Pod
	if err := parse(t, text).Objects()[0].Decode("", &pod); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"16": "a", "1.5": "b", "true": "c", "2024-01-01": "d"}
	if !maps.Equal(pod.Labels, want) || pod.Annotations["date"] != "2024-01-01" || pod.Annotations["word"] != "no" {
		t.Errorf("labels %v, annotations %v", pod.Labels, pod.Annotations)
	}
	if !pod.Spec.HostNetwork || pod.Spec.HostPID {
		t.Errorf("hostNetwork %v, hostPID %v", pod.Spec.HostNetwork, pod.Spec.HostPID)
	}
	var labels map[string]string
	if err := parse(t, text).Objects()[0].Decode("/more", &labels); err != nil || !maps.Equal(labels, want) {
		t.Errorf("behind an alias: %v, error %v", labels, err)
	}
}

// A word is a text where a text is demanded, and other errors stay.
func TestWordsAreTruthValuesOnlyWhereTheTypeDemandsIt(t *testing.T) {
	var labels map[string]string
	if err := parse(t, "a: {b: yes, c: off}\n").Objects()[0].Decode("/a", &labels); err != nil || labels["b"] != "yes" {
		t.Errorf("labels %v, error %v", labels, err)
	}
	for text, want := range map[string]string{
		"kind: Pod\nspec: {hostNetwork: maybe}\n":                         "spec.hostNetwork: must be true or false, got string",
		"kind: Pod\nspec: {hostNetwork: yes, priority: high}\n":           "spec.priority: must be an integer, got string",
		"kind: Pod\nspec: {hostNetwork: yes, x: &x [*x]}\n":               "contains itself",
		"kind: Pod\nmetadata: {name: a, name: b}\n":                       "already defined",
		"kind: Pod\nspec: {hostNetwork: \"yes\"}\n":                       "spec.hostNetwork: must be true or false, got string",
		"kind: Pod\nspec: {hostNetwork: yes, hostname: 1, hostPID: no}\n": "spec.hostname: must be a string, got number",
	} {
		err := parse(t, text).Objects()[0].Decode("", new(corev1.Pod))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", text, err, want)
		}
	}
}
