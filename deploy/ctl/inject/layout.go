package inject

import (
	"reflect"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lameduck/deploy/ctl/jsonpatch"
)

// A manifest has details that the pod template does not show: whether there is any metadata, the
// quotes around the name of a port, and fields that are null. The record keeps them, so that
// Uninject restores the text.

// createdMetadata is the entry of record.Created for metadata that the template did not have.
const createdMetadata = "metadata"

// diffWorkload returns the patch from a workload's template to another one. r is the record of
// either.
func diffWorkload(w Workload, after *corev1.PodTemplateSpec, r record) []jsonpatch.Operation {
	ops := diff(w.Template, after)
	for i, op := range ops {
		switch {
		case op.Path == "/metadata/annotations" && op.Op == "add" && w.NoMetadata:
			ops[i].Path, ops[i].Value = "/metadata", map[string]any{"annotations": op.Value}
		case op.Path == "/metadata/annotations" && op.Op == "remove" && r.hasCreated(createdMetadata) &&
			reflect.DeepEqual(after.ObjectMeta, metav1.ObjectMeta{}):
			ops[i].Path = "/metadata"
		}
	}
	for _, p := range r.Probes {
		p.requote(after, ops)
	}
	for i, op := range ops {
		if text, was := r.Nulls[op.Path]; was && op.Op == "remove" {
			ops[i].Op, ops[i].Value = "replace", jsonpatch.Null{Text: text}
		}
	}
	return ops
}

// noteNulls records the fields that are null in the manifest and are set after the injection.
func (r *record) noteNulls(w Workload, after *corev1.PodTemplateSpec) {
	r.Nulls = recordOf(w.Template).Nulls
	if w.Null == nil {
		return
	}
	for _, op := range diffWorkload(w, after, *r) {
		text, is := w.Null(op.Path)
		if !is || op.Op != "add" {
			continue
		}
		if r.Nulls == nil {
			r.Nulls = make(map[string]string)
		}
		r.Nulls[op.Path] = text
	}
}

// noteMetadata records that the template had no metadata, before the first annotation.
func (r *record) noteMetadata(w Workload) {
	if before := recordOf(w.Template); w.NoMetadata || before.hasCreated(createdMetadata) {
		r.created(createdMetadata)
	}
}

// quoteOf returns the quotes around the name of a port in a probe. In an injected manifest there is
// a number instead, and the record has the quotes.
func (w Workload) quoteOf(p movedProbe, in container) string {
	for _, before := range recordOf(w.Template).Probes {
		if p.Quote = before.Quote; p == before {
			return before.Quote
		}
	}
	if w.Quote == nil {
		return ""
	}
	return w.Quote(p.pointer(w.Template, in.Name))
}

// pointer returns the JSON Pointer of the port of the probe, which is empty if there is no such
// probe.
func (p movedProbe) pointer(t *corev1.PodTemplateSpec, name string) string {
	for _, c := range allContainers(&t.Spec) {
		if field, at := handler(probe(c.Container, p.Probe)); c.Name == name && at != nil {
			return "/spec/" + c.list + "/" + strconv.Itoa(c.index) + "/" + p.Probe + "/" + field + "/port"
		}
	}
	return ""
}

// requote puts the quotes around the name of a port that an operation restores.
func (p movedProbe) requote(after *corev1.PodTemplateSpec, ops []jsonpatch.Operation) {
	at := p.pointer(after, p.Container)
	for i, op := range ops {
		if p.Quote != "" && op.Path == at && op.Value == p.Was {
			ops[i].Value = jsonpatch.Quoted{Text: p.Was, Quote: p.Quote}
		}
	}
}
