package lint

import (
	"fmt"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

	"lameduck/deploy/ctl/manifest"
)

// newScheme returns a scheme with the kinds that rules check.
func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		admissionv1.AddToScheme, appsv1.AddToScheme, autoscalingv1.AddToScheme, autoscalingv2.AddToScheme,
		batchv1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme,
	} {
		utilruntime.Must(add(scheme)) // fails only if two imported types have the same name
	}
	return scheme
}

// kinds are the kinds that rules check, with their API groups.
var kinds = map[string]string{
	"Deployment": "apps", "StatefulSet": "apps", "DaemonSet": "apps", "ReplicaSet": "apps",
	"Job": "batch", "CronJob": "batch",
	"Pod": "", "Service": "", "ReplicationController": "", "Namespace": "",
	"PersistentVolumeClaim": "", "LimitRange": "", "ResourceQuota": "",
	"NetworkPolicy": "networking.k8s.io", "Ingress": "networking.k8s.io",
	"PodDisruptionBudget":            "policy",
	"HorizontalPodAutoscaler":        "autoscaling",
	"MutatingWebhookConfiguration":   "admissionregistration.k8s.io",
	"ValidatingWebhookConfiguration": "admissionregistration.k8s.io",
}

// A reader decodes manifests as strictly as kubectl.
type reader struct {
	scheme  *runtime.Scheme
	decoder runtime.Decoder
}

func newReader() *reader {
	scheme := newScheme()
	return &reader{scheme, serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()}
}

// located returns the error of a manifest that cannot be decoded, with the place of the value that is
// to blame if it is known.
func (r *reader) located(m *manifest.Object, err error) error {
	into, unknown := r.scheme.New(schema.FromAPIVersionAndKind(m.APIVersion, m.Kind))
	if unknown == nil {
		if located := m.Decode("", into); located != nil {
			return located
		}
	}
	return fmt.Errorf("%v: %v: %w", m.Position(""), m, err)
}

// decode returns an object and messages about its unknown fields. The object is nil if no rule
// checks its kind.
func (r *reader) decode(json []byte) (o runtime.Object, unknown []string, err error) {
	o, _, err = r.decoder.Decode(json, nil, nil)
	switch {
	case runtime.IsNotRegisteredError(err):
		return nil, nil, nil
	case runtime.IsStrictDecodingError(err):
		strict, _ := runtime.AsStrictDecodingError(err)
		for _, e := range strict.Errors() {
			unknown = append(unknown, e.Error())
		}
		return o, unknown, nil
	}
	return o, nil, err
}

// otherVersion reports whether an object is of a kind that rules check, in an unsupported version.
func otherVersion(apiVersion, kind string) bool {
	group, known := kinds[kind]
	if !known {
		return false
	}
	ownGroup, version, hasGroup := strings.Cut(apiVersion, "/")
	if !hasGroup {
		ownGroup, version = "", apiVersion
	}
	old := ownGroup == "extensions" && (group == "apps" || kind == "Ingress")
	supported := version == "v1" || group == "autoscaling" && version == "v2"
	return old || ownGroup == group && !supported
}
