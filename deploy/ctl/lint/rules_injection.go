package lint

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"lameduck/deploy/ctl/inject"
	"lameduck/lifecycle/plural"
)

// injectionRules check what the webhook injects.
var injectionRules = []Rule{
	{
		ID: "injection-refused", Severity: Error,
		Title: "pods of a namespace with injection cannot be injected",
		Explanation: `The namespace has the label lameduck.dev/inject=enabled, but the webhook creates pods
that it cannot protect without Lameduck, with a warning that few people see. Fix what the finding names, or
opt out with the label lameduck.dev/inject=disabled on the pod template.`,
		needs: []string{"namespaces", "limitranges", "resourcequotas"},
		check: eachWorkload(injectionRefused),
	},
	{
		ID: "pod-not-injected", Severity: Error,
		Title: "pods of a namespace with injection run without Lameduck",
		Explanation: `Pods are injected when they are created. These are older than the label
lameduck.dev/inject=enabled of the namespace, or the webhook did not answer when they were created. The next
rollout still loses requests, and adds Lameduck.`,
		needs: []string{"namespaces", "pods"},
		check: eachWorkload(podNotInjected),
	},
	{
		ID: "setting-without-effect", Severity: Warning,
		Title: "a setting of the injection that nothing reads",
		Explanation: `The annotations lameduck.dev/NAME and the label lameduck.dev/inject are
those of pods. In the metadata of a Deployment they have no effect: the load balancer has the default
delay, or pods that should opt out are injected. Set them in the metadata of the pod template
(spec.template.metadata). The label of a namespace has an effect with the value enabled only.`,
		needs: []string{"namespaces"},
		check: func(in *Inventory, report reporter) {
			eachWorkload(settingWithoutEffect)(in, report)
			namespaceWithoutEffect(in, report)
		},
	},
}

func namespaceWithoutEffect(in *Inventory, report reporter) {
	for _, o := range in.spaces {
		value, is := in.namespaces[o.Name][inject.InjectLabel]
		if is && value != "enabled" && value != "disabled" {
			report(&o, field.NewPath("metadata", "labels").Key(inject.InjectLabel),
				fmt.Sprintf("it is %q and not enabled, so no pod of the namespace is injected", value),
				"use the value enabled, or remove the label")
		}
	}
}

func settingWithoutEffect(w *workload, report objectReporter) {
	if templatePath(w.Kind) == nil || w.isJob() {
		return // a pod has no template, and a Job is not injected
	}
	for _, at := range inject.Misplaced(w.own, w.template.ObjectMeta) {
		report(field.NewPath(at), "it is not in the metadata of the pod template, so it has no effect",
			"move it to "+w.meta.String())
	}
}

// isInjected reports whether the webhook adds Lameduck to the pods of the workload. It does not
// change pods that exist.
func (w *workload) isInjected() bool {
	exists := w.Kind == "Pod" && w.in.cluster
	return w.in.hasInjection(w.namespace()) && !exists && !w.isJob() && w.sidecar == nil && !optsOut(w.template.Labels)
}

func (in *Inventory) hasInjection(namespace string) bool {
	return in.namespaces[namespace][inject.InjectLabel] == "enabled"
}

func optsOut(labels map[string]string) bool { return labels[inject.InjectLabel] == "disabled" }

// inject replaces the template by the injected one, which is what runs, and keeps a refusal.
func (w *workload) inject() {
	if !w.isInjected() {
		return
	}
	pods := inject.Workload{Kind: "Pod", Template: w.template, Around: w.around()}
	plan, err := inject.Inject(pods, w.in.webhookSettings())
	if err == nil {
		w.template = plan.Template
	}
	w.refused, w.skipped = err, plan.Skipped != ""
}

// webhookSettings returns the settings of a webhook without flags. It asks the API server for its
// version, and no kubelet is newer.
func (in *Inventory) webhookSettings() inject.Settings {
	s := inject.Defaults()
	s.Kubernetes = slices.Max(in.releases()).String()
	if shape, err := inject.ShapeFor(s.Kubernetes); err == nil {
		s.Shape = shape
	}
	return s
}

func injectionRefused(w *workload, report objectReporter) {
	for _, r := range refusals(w.refused) {
		if strings.HasPrefix(r.Field, "metadata.annotations") {
			continue // rule setting-refused reports this
		}
		report(w.within(r.Field), r.Why+", so its pods run without Lameduck", r.Remedy)
	}
}

// refusals returns the refusals in an error of inject. It converts any other error to one.
func refusals(err error) []*inject.Refusal {
	all := inject.Refusals(err)
	if err != nil && len(all) == 0 {
		return []*inject.Refusal{{Field: "spec", Why: err.Error(), Remedy: "see lameduckctl inject"}}
	}
	return all
}

// within returns the path of a field of the pod template in the object.
func (w *workload) within(path string) *field.Path {
	if at := templatePath(w.Kind); at != nil {
		return at.Child(path)
	}
	return field.NewPath(path)
}

func podNotInjected(w *workload, report objectReporter) {
	if !w.in.hasInjection(w.namespace()) || w.refused != nil || w.skipped || w.isJob() {
		return
	}
	without, all := 0, 0
	for _, p := range w.in.podsOf(w) {
		if p.DeletionTimestamp != nil || optsOut(p.Labels) {
			continue
		}
		if all++; findSidecar(containersOf(&p.Spec, nil)) == nil {
			without++
		}
	}
	if without > 0 {
		report(nil,
			fmt.Sprintf("%d of %s %s no Lameduck although the namespace has the label, so requests are lost when "+
				"such a pod stops",
				without, plural.Count(all, "pod"), plural.Pick(without, "has", "have")),
			"run kubectl rollout restart, and check the webhook if that does not help")
	}
}

// annotationRefused checks the annotations of a pod template.
func annotationRefused(w *workload, report objectReporter) {
	_, err := inject.Defaults().Override(w.template.Annotations)
	for _, r := range refusals(err) {
		report(w.within(r.Field), r.Why+", so the pods are not injected", r.Remedy)
	}
}
