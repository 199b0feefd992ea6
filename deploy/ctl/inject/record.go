package inject

import (
	"encoding/json"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// recordVersion is the record's form. What has another one is not touched.
const recordVersion = 1

// A record is what the annotation lameduck.dev/injected holds: what has been done, and what was there before.
type record struct {
	Version  int             `json:"v"`
	Shape    Shape           `json:"shape"`
	Grace    *int64          `json:"grace,omitempty"`  // what the pod said; none: nothing
	Raised   int64           `json:"raised,omitempty"` // what it says now; 0: the same
	Created  []string        `json:"created,omitempty"`
	Hooks    []string        `json:"hooks,omitempty"` // containers with our hook
	Ports    []movedPort     `json:"ports,omitempty"`
	Probes   []movedProbe    `json:"probes,omitempty"`
	Excluded []excludedPorts `json:"excluded,omitempty"`
	Wrapped  string          `json:"wrapped,omitempty"` // container
	Env      []string        `json:"env,omitempty"`     // variables of the wrapped one
}

type movedPort struct {
	Container string `json:"container"`
	Name      string `json:"name,omitempty"`
	Was       int32  `json:"was"`
	Is        int32  `json:"is"`
	Host      bool   `json:"host,omitempty"` // the hostPort too
}

type movedProbe struct {
	Container string `json:"container"`
	Probe     string `json:"probe"`
	Was       string `json:"was"`
	Is        int32  `json:"is"`
}

type excludedPorts struct {
	Annotation string  `json:"annotation"`
	Was        *string `json:"was,omitempty"`
	Is         string  `json:"is"`
}

// created notes a list or an object that was not there, so that its last entry takes it along.
func (r *record) created(path ...string) { r.Created = append(r.Created, strings.Join(path, "/")) }

func (r *record) hasCreated(path ...string) bool {
	return slices.Contains(r.Created, strings.Join(path, "/"))
}

// remember writes the record.
func (j *injection) remember() error {
	j.record.Version, j.record.Shape = recordVersion, j.settings.Shape
	j.annotate(InjectedAnnotation, "") // which may be the first one, and then is noted too
	text, err := json.Marshal(j.record)
	j.pod.Annotations[InjectedAnnotation] = string(text)
	return err
}

// original returns the template as it would be without what Inject has done: a copy, which shares nothing.
func original(t *corev1.PodTemplateSpec) (*corev1.PodTemplateSpec, error) {
	pod := t.DeepCopy()
	text, injected := t.Annotations[InjectedAnnotation]
	if !injected {
		return pod, nil
	}
	var r record
	if err := json.Unmarshal([]byte(text), &r); err != nil || r.Version != recordVersion {
		return nil, &Refusal{"metadata.annotations[" + InjectedAnnotation + "]", "this is not a record that can be read",
			"take Lameduck out with the version that has brought it, or by hand"}
	}
	r.undo(pod)
	return pod, nil
}
