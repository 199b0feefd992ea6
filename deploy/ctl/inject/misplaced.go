package inject

import (
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Misplaced returns the fields of the settings that a workload has in its own metadata and not in
// that of its pod template, where they would have an effect.
func Misplaced(workload, template metav1.ObjectMeta) (fields []string) {
	if _, is := workload.Labels[InjectLabel]; is && !has(template.Labels, InjectLabel) {
		fields = append(fields, "metadata.labels["+InjectLabel+"]")
	}
	for _, key := range slices.Sorted(maps.Keys(workload.Annotations)) {
		if strings.HasPrefix(key, AnnotationPrefix) && !has(template.Annotations, key) {
			fields = append(fields, "metadata.annotations["+key+"]")
		}
	}
	return fields
}

func has(set map[string]string, key string) bool {
	_, is := set[key]
	return is
}
