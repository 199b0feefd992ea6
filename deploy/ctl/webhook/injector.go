package webhook

import (
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
)

// InjectedByAnnotation is on pods that this webhook has injected, with its version. Who is injected without it was so before it came here, by
// `lameduckctl inject` or by hand, and stays as it is; who has it is seen again after another webhook's change.
const InjectedByAnnotation = "webhook.lameduck.dev/version"

// systemNamespaces are never touched: what runs there is needed to get out of any trouble.
var systemNamespaces = []string{metav1.NamespaceSystem, metav1.NamespacePublic, corev1.NamespaceNodeLease}

// An injector decides what becomes of a pod.
type injector struct {
	settings atomic.Pointer[inject.Settings] // nil: the cluster's version is not known yet
	never    map[string]bool                 // namespaces
	version  string
	log      *zap.Logger
	plan     func(inject.Workload, inject.Settings) (inject.Plan, error) // inject.Inject
}

func newInjector(own string, never []string, version string, log *zap.Logger) *injector {
	i := &injector{never: map[string]bool{own: true}, version: version, log: log, plan: inject.Inject}
	for _, list := range [][]string{systemNamespaces, never} {
		for _, name := range list {
			i.never[name] = true
		}
	}
	return i
}

// answer decides, and survives whatever comes.
func (i *injector) answer(review *admissionv1.AdmissionReview) (a answer) {
	r := review.Request
	defer func() {
		if fault := recover(); fault != nil {
			i.log.Error("panic", zap.Any("fault", fault), zap.ByteString("stack", debug.Stack()), zap.String("namespace", r.Namespace))
			a = warn(failed, "not injected: the webhook has a fault, see its log")
		}
	}()
	if review.APIVersion != admissionv1.SchemeGroupVersion.String() {
		return warn(failed, "not injected: the webhook is asked in %s and speaks v1: let its configuration say admissionReviewVersions: [v1]", review.APIVersion)
	}
	return i.answerRequest(r)
}

var podResource = metav1.GroupVersionResource{Version: "v1", Resource: "pods"}

func (i *injector) answerRequest(r *admissionv1.AdmissionRequest) answer {
	switch {
	case i.never[r.Namespace]:
		return answer{result: unchanged}
	case r.Resource != podResource || r.SubResource != "" || r.Operation != admissionv1.Create:
		return warn(failed, "left as it is: the webhook is for the CREATE of pods, and its configuration sends it more")
	}
	pod := new(corev1.Pod)
	if err := json.UnmarshalCaseSensitivePreserveInts(r.Object.Raw, pod); err != nil {
		return warn(failed, "not injected: the pod cannot be read: %v", err)
	}
	settings := i.settings.Load()
	switch {
	case settled(pod):
		return answer{result: unchanged}
	case settings == nil:
		return warn(failed, "not injected: the webhook does not know the cluster's version yet")
	}
	return i.answerPod(r.Namespace, pod, *settings)
}

// settled says whether a pod is not ours to change: one that came injected, or the picture of a static pod, which the kubelet runs from
// its file whatever the picture says.
func settled(pod *corev1.Pod) bool {
	_, mirror := pod.Annotations[corev1.MirrorPodAnnotationKey]
	_, isInjected := pod.Annotations[inject.InjectedAnnotation]
	_, byUs := pod.Annotations[InjectedByAnnotation]
	return mirror || isInjected && !byUs
}

func (i *injector) answerPod(namespace string, pod *corev1.Pod, s inject.Settings) answer {
	template := &corev1.PodTemplateSpec{ObjectMeta: pod.ObjectMeta, Spec: pod.Spec}
	signature := i.sign(template)
	plan, err := i.plan(inject.Workload{Kind: kindOf(pod), Template: template}, s)
	log := i.log.With(zap.String("namespace", namespace), zap.String("pod", nameOf(pod)))
	if err != nil {
		log.Info("not injected", zap.Error(err))
		return answer{result: refused, warnings: reasons(err)}
	}
	if len(plan.Patch) == 0 {
		return answer{result: unchanged}
	}
	if c := log.Check(zap.DebugLevel, "injected"); c != nil {
		c.Write(zap.Int("operations", len(plan.Patch)), zap.Any("notes", plan.Notes))
	}
	return answer{result: injected, patch: append(signature, plan.Patch...)}
}

// sign gives a pod our annotation, unless it has it, and returns the patch for that. It comes before the injection, which notes whether there
// were annotations: asked again it would note another thing.
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

// kindOf returns what a pod belongs to, where that makes a difference: a Job's pod runs to its end, and nothing is held.
func kindOf(pod *corev1.Pod) string {
	if owner := metav1.GetControllerOfNoCopy(pod); owner != nil && owner.Kind == "Job" && strings.HasPrefix(owner.APIVersion, "batch/") {
		return owner.Kind
	}
	return "Pod"
}

// nameOf returns a pod's name, or what it will begin with.
func nameOf(pod *corev1.Pod) string {
	if pod.Name == "" {
		return pod.GenerateName
	}
	return pod.Name
}

// reasons returns one warning for each refusal of those that are joined.
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
