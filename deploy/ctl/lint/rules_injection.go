package lint

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"lameduck/deploy/ctl/inject"
)

// injectionRules are about the webhook that adds Lameduck to pods.
var injectionRules = []Rule{
	{
		ID: "injection-refused", Severity: Error,
		Title: "pods of a namespace with injection cannot be injected as they stand",
		Explanation: `The namespace has the label lameduck.dev/inject=enabled, and the webhook lets what it cannot protect pass unchanged, with a warning that few see: such
pods come up without Lameduck. Mend what the finding says, or opt out with the label lameduck.dev/inject=disabled on the pod template.`,
		needs: []string{"namespaces"},
		check: eachWorkload(injectionRefused),
	},
	{
		ID: "pod-not-injected", Severity: Warning,
		Title: "pods of a namespace with injection run without Lameduck",
		Explanation: `Pods are injected when they are made: these are older than the namespace's label lameduck.dev/inject=enabled, or the webhook did not answer when they
were made. The next rollout still loses requests, and brings Lameduck.`,
		needs: []string{"namespaces", "pods"},
		check: eachWorkload(podNotInjected),
	},
}

// isInjected tells whether the webhook adds Lameduck to the pods that the workload makes. A pod that is there is not touched any more.
func (w *workload) isInjected() bool {
	isThere := w.Kind == "Pod" && w.in.cluster
	return w.in.hasInjection(w.namespace()) && !isThere && !w.isJob() && w.duck == nil && !optsOut(w.template.Labels)
}

func (in *Inventory) hasInjection(namespace string) bool {
	return in.namespaces[namespace][inject.InjectLabel] == "enabled"
}

func optsOut(labels map[string]string) bool { return labels[inject.InjectLabel] == "disabled" }

// inject replaces the template with what the webhook makes of its pods: that is what runs. A refusal is kept.
func (w *workload) inject() {
	if !w.isInjected() {
		return
	}
	plan, err := inject.Inject(inject.Workload{Kind: "Pod", Template: w.template}, inject.Defaults())
	if err == nil {
		w.template = plan.Template
	}
	w.refused = err
}

func injectionRefused(w *workload, say say) {
	for _, r := range refusals(w.refused) {
		if strings.HasPrefix(r.Field, "metadata.annotations") {
			continue // rule setting-refused tells those, wherever the pods are
		}
		say(w.within(r.Field), r.Why+", so its pods come up without Lameduck", r.Remedy)
	}
}

// refusals takes an error of inject apart. Another one, which nobody expects, is told as one.
func refusals(err error) []*inject.Refusal {
	all := inject.Refusals(err)
	if err != nil && len(all) == 0 {
		return []*inject.Refusal{{Field: "spec", Why: err.Error(), Remedy: "lameduckctl inject says more"}}
	}
	return all
}

// within is the path of a field of the pod template.
func (w *workload) within(path string) *field.Path {
	if at := templatePath(w.Kind); at != nil {
		return at.Child(path)
	}
	return field.NewPath(path)
}

func podNotInjected(w *workload, say say) {
	if !w.in.hasInjection(w.namespace()) || w.refused != nil || w.isJob() {
		return
	}
	without, all := 0, 0
	for _, p := range w.in.podsOf(w) {
		if p.DeletionTimestamp != nil || optsOut(p.Labels) {
			continue
		}
		if all++; findDuck(containersOf(&p.Spec, nil)) == nil {
			without++
		}
	}
	if without > 0 {
		say(nil, fmt.Sprintf("%d of %d pods have no Lameduck although the namespace's label asks for it, so they lose requests when they end", without, all),
			"kubectl rollout restart, and look whether the webhook runs if that does not help")
	}
}

// annotationRefused looks at the settings that a pod template says in annotations.
func annotationRefused(w *workload, say say) {
	_, err := inject.Defaults().Override(w.template.Annotations)
	for _, r := range refusals(err) {
		say(w.within(r.Field), r.Why+", so the pods are not injected", r.Remedy)
	}
}
