package inject

import (
	"encoding/json"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/ctl/mode"
)

// recordVersion is the version of the record's format. Other versions are refused.
const recordVersion = 1

// A record is the annotation lameduck.dev/injected: the changes, with the previous values.
type record struct {
	Version  int             `json:"v"`
	Shape    Shape           `json:"shape"`
	Mode     mode.Mode       `json:"mode,omitempty"`   // empty in records before there were modes, which means move
	Grace    *int64          `json:"grace,omitempty"`  // before; nil if it was not set
	Raised   int64           `json:"raised,omitempty"` // after; 0 if it was not changed
	Created  []string        `json:"created,omitempty"`
	Hooks    []string        `json:"hooks,omitempty"` // containers with our hook
	Ports    []movedPort     `json:"ports,omitempty"`
	Probes   []movedProbe    `json:"probes,omitempty"`
	Excluded []excludedPorts `json:"excluded,omitempty"`

	Nulls map[string]string `json:"nulls,omitempty"` // texts of fields that were null, by their JSON Pointers

	PullSecrets []string `json:"pullSecrets,omitempty"` // names of those that were added
	Wrapped     string   `json:"wrapped,omitempty"`     // container
	Env         []string `json:"env,omitempty"`         // variables of the wrapped one

	Image *recordedImage `json:"image,omitempty"` // of the app that was wrapped or was to be
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
	Quote     string `json:"quote,omitempty"` // of the name in the manifest
}

type excludedPorts struct {
	Annotation string  `json:"annotation"`
	Was        *string `json:"was,omitempty"`
	Is         string  `json:"is"`

	Added []string `json:"added,omitempty"` // ports, besides the admin port
}

// created records a list or an object that did not exist, so that uninject removes it when it is
// empty.
func (r *record) created(path ...string) { r.Created = append(r.Created, strings.Join(path, "/")) }

func (r *record) hasCreated(path ...string) bool {
	return slices.Contains(r.Created, strings.Join(path, "/"))
}

// writeRecord writes the record.
func (j *injection) writeRecord() error {
	j.record.Version, j.record.Shape = recordVersion, j.settings.Shape
	if j.image.Config != nil || j.image.Unknown != "" {
		j.record.Image = &j.image
	}
	j.record.noteMetadata(j.given)
	j.annotate(InjectedAnnotation, "") // it may be the first annotation, which the record must contain
	j.record.noteNulls(j.given, j.pod)
	text, err := json.Marshal(j.record)
	j.pod.Annotations[InjectedAnnotation] = string(text)
	return err
}

// original returns a copy of the template with Lameduck removed.
func original(t *corev1.PodTemplateSpec) (*corev1.PodTemplateSpec, error) {
	pod := t.DeepCopy()
	text, injected := t.Annotations[InjectedAnnotation]
	if !injected {
		return pod, nil
	}
	r := recordOf(t)
	if text == "" || r.Version != recordVersion {
		return nil, &Refusal{"metadata.annotations[" + InjectedAnnotation + "]",
			"is not a record that this version can read",
			"remove Lameduck with the version that has added it, or by hand"}
	}
	r.undo(pod)
	return pod, nil
}

// recordOf returns the record of a template, with the current names of its containers. Its version is
// zero if the template has no readable record.
func recordOf(t *corev1.PodTemplateSpec) record {
	var r record
	if json.Unmarshal([]byte(t.Annotations[InjectedAnnotation]), &r) != nil {
		return record{}
	}
	r.followRenames(&t.Spec)
	return r
}
