package webhook

import (
	"context"
	"maps"
	"runtime/debug"
	"strings"
	"sync/atomic"

	"go.uber.org/zap"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/json"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/jsonpatch"
	"lameduck/deploy/ctl/mode"
)

// InjectedByAnnotation has the version of the webhook that has injected a pod. A pod that is
// injected and lacks it was injected by `lameduckctl inject` or by hand, and stays as it is. A pod
// that has it is being reinvoked after another webhook has changed it.
const InjectedByAnnotation = "webhook.lameduck.dev/version"

// systemNamespaces are never injected: their pods are needed to recover from any outage.
var systemNamespaces = []string{metav1.NamespaceSystem, metav1.NamespacePublic, corev1.NamespaceNodeLease}

// An injector answers requests.
type injector struct {
	settings atomic.Pointer[inject.Settings] // nil until the version of the cluster is known
	never    map[string]bool                 // namespaces
	paused   bool                            // nothing is injected
	around   func(namespace string) *mode.Around
	version  string
	log      *zap.Logger
	images   inject.Images                                               // may be nil
	plan     func(inject.Workload, inject.Settings) (inject.Plan, error) // inject.Inject
}

func newInjector(own string, never []string, version string, log *zap.Logger) *injector {
	i := &injector{never: map[string]bool{own: true}, version: version, log: log, plan: inject.Inject}
	i.around = func(string) *mode.Around { return nil } // nothing is known
	for _, list := range [][]string{systemNamespaces, never} {
		for _, name := range list {
			i.never[name] = true
		}
	}
	return i
}

// learned is what a registry has replied to the question in an earlier answer.
type learned struct {
	config inject.ImageConfig
	err    error
}

func (i *injector) ask(ctx context.Context, namespace string, q inject.ImageQuestion) learned {
	config, err := i.images.Ask(ctx, namespace, q)
	if err != nil {
		i.log.Info("image unknown", zap.String("namespace", namespace), zap.String("image", q.Image), zap.Error(err))
	}
	return learned{config, err}
}

// answer answers a review and recovers from panics. l is nil if nothing was asked.
func (i *injector) answer(review *admissionv1.AdmissionReview, l *learned) (a answer) {
	r := review.Request
	defer func() {
		if p := recover(); p != nil {
			i.log.Error("panic", zap.Any("value", p), zap.ByteString("stack", debug.Stack()),
				zap.String("namespace", r.Namespace))
			a = warn(failed, "not injected: internal error, see the log of the webhook")
		}
	}()
	if review.APIVersion != admissionv1.SchemeGroupVersion.String() {
		return warn(failed, "not injected: the review has version %s: set admissionReviewVersions: [v1] in "+
			"the webhook configuration",
			review.APIVersion)
	}
	return i.answerRequest(r, l)
}

var podResource = metav1.GroupVersionResource{Version: "v1", Resource: "pods"}

func (i *injector) answerRequest(r *admissionv1.AdmissionRequest, l *learned) answer {
	switch {
	case i.paused || i.never[r.Namespace]:
		return answer{result: unchanged}
	case r.Resource != podResource || r.SubResource != "" || r.Operation != admissionv1.Create:
		return warn(failed, "not injected: the webhook is for CREATE of pods, but its configuration has "+
			"more rules")
	}
	pod := new(corev1.Pod)
	if err := json.UnmarshalCaseSensitivePreserveInts(r.Object.Raw, pod); err != nil {
		return warn(failed, "not injected: the pod cannot be read: %v", err)
	}
	settings := i.settings.Load()
	switch {
	case Leaves(pod.Annotations) != "":
		return answer{result: unchanged}
	case settings == nil:
		return warn(failed, "not injected: the webhook does not know the version of the cluster yet")
	}
	return i.answerPod(r.Namespace, pod, *settings, l)
}

func (i *injector) answerPod(namespace string, pod *corev1.Pod, s inject.Settings, l *learned) answer {
	template := &corev1.PodTemplateSpec{ObjectMeta: pod.ObjectMeta, Spec: pod.Spec}
	signature := i.sign(template)
	w := inject.Workload{Kind: kindOf(pod), Template: template, Around: i.around(namespace)}
	_, w.Reinvoked = pod.Annotations[inject.InjectedAnnotation]
	if l != nil {
		w = w.Answered(l.config, l.err)
	}
	plan, err := i.plan(w, s)
	if plan.Question != nil && i.images != nil && l == nil {
		return answer{question: plan.Question}
	}
	log := i.log.With(zap.String("namespace", namespace), zap.String("pod", nameOf(pod)))
	if err != nil {
		log.Info("not injected", zap.Error(err))
		return answer{result: refused, warnings: reasons(err)}
	}
	if len(plan.Patch) == 0 {
		return answer{result: unchanged}
	}
	if c := log.Check(zap.DebugLevel, "injected"); c != nil {
		c.Write(zap.Int("operations", len(plan.Patch)), zap.Stringer("mode", plan.Choice),
			zap.Any("notes", plan.Notes))
	}
	return answer{result: injected, patch: append(signature, plan.Patch...)}
}

// sign adds our annotation to a pod without it, and returns the patch. It must be called before the
// injection, which records whether the pod had annotations; otherwise a second call would record
// something else.
func (i *injector) sign(pod *corev1.PodTemplateSpec) []jsonpatch.Operation {
	if _, signed := pod.Annotations[InjectedByAnnotation]; signed {
		return nil
	}
	before := pod.Annotations
	pod.Annotations = map[string]string{InjectedByAnnotation: i.version}
	if before == nil {
		return []jsonpatch.Operation{{Op: "add", Path: "/metadata/annotations", Value: pod.Annotations}}
	}
	maps.Copy(pod.Annotations, before)
	path := "/metadata/annotations/" + jsonpatch.Escape(InjectedByAnnotation)
	return []jsonpatch.Operation{{Op: "add", Path: path, Value: i.version}}
}

// kindOf returns "Job" for a pod of a Job, which is not injected, and "Pod" for any other.
func kindOf(pod *corev1.Pod) string {
	owner := metav1.GetControllerOfNoCopy(pod)
	if owner != nil && owner.Kind == "Job" && strings.HasPrefix(owner.APIVersion, "batch/") {
		return owner.Kind
	}
	return "Pod"
}

// nameOf returns the name of a pod, or its generateName.
func nameOf(pod *corev1.Pod) string {
	if pod.Name == "" {
		return pod.GenerateName
	}
	return pod.Name
}

// reasons returns one warning for each refusal.
func reasons(err error) []string {
	refusals := inject.Refusals(err)
	if len(refusals) == 0 {
		return []string{"not injected: " + err.Error()}
	}
	var all []string
	for _, r := range refusals {
		all = append(all, "not injected: "+r.Error())
	}
	return all
}
