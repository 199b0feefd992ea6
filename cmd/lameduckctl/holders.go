package main

import (
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/manifest"
)

// drainsItself has the kinds whose controller drains their pods.
var drainsItself = map[string]string{
	"serving.knative.dev/v1 Service": "the queue-proxy of Knative keeps its pods until their requests have " +
		"ended, and Knative forbids hooks",
	"serving.knative.dev/v1 Configuration": "the queue-proxy of Knative keeps its pods until their requests " +
		"have ended, and Knative forbids hooks",
}

// reportHolders prints a note for each pod specification in an object of an unknown kind, and
// reports whether any of them has clients, which are left without protection.
func reportHolders(w io.Writer, o *manifest.Object) (unprotected bool) {
	for _, h := range o.Holders(inject.InjectLabel + "=disabled") {
		why := fmt.Sprintf("inject does not know the kind %s of %s: inject its pods with the webhook, or opt "+
			"out with the label %s=disabled on the pod template", o.Kind, o.APIVersion, inject.InjectLabel)
		switch reason, itself := drainsItself[o.APIVersion+" "+o.Kind]; {
		case h.OptsOut:
			continue
		case o.APIVersion == "":
			why, unprotected = "it has no apiVersion: set it, such as apps/v1 for a Deployment", true
		case itself:
			why = reason
		case h.Ends:
			why = "its pods run to completion, so there is nothing to drain"
		case h.Serves:
			unprotected = true
		}
		fmt.Fprintf(w, "%s: %s: not injected: %s\n", o.Position(h.Pointer), o, why)
	}
	return unprotected
}

// reportMisplaced prints a note for each setting that a workload has in its own metadata. Settings are
// those of the pod template.
func reportMisplaced(w io.Writer, about *manifest.Workload) {
	if about.TemplatePath == "" {
		return
	}
	var own metav1.ObjectMeta
	if about.Decode("/metadata", &own) != nil {
		return // the API server reports it
	}
	for _, field := range inject.Misplaced(own, about.Template.ObjectMeta) {
		fmt.Fprintf(w, "%s: %s: %s: has no effect: set it in the metadata of the pod template\n",
			about.Position(manifest.Pointer(field)), about, field)
	}
}

// reportPatch prints a note for a patch of a workload, which has only some fields of its pods.
func reportPatch(w io.Writer, o *manifest.Object) {
	if workload, _ := o.Workload(); workload == nil {
		return
	}
	fmt.Fprintf(w, "%s: %s: not injected: this is a patch of kustomize: inject what kustomize builds\n",
		o.Position(""), o)
}

// checkImage returns an error for the placeholder image of the examples, with which no pod starts.
func checkImage(p inject.Plan) error {
	for _, list := range [][]corev1.Container{p.Template.Spec.Containers, p.Template.Spec.InitContainers} {
		for _, c := range list {
			if c.Name != inject.ContainerName {
				continue
			}
			if err := inject.CheckImage(c.Image); err != nil {
				return fmt.Errorf("the image %w: use --image or the annotation %simage", err, inject.AnnotationPrefix)
			}
		}
	}
	return nil
}
