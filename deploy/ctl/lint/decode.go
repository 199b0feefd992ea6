package lint

import (
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
)

// newScheme knows the kinds that rules look at.
func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		admissionv1.AddToScheme, appsv1.AddToScheme, autoscalingv2.AddToScheme, batchv1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme,
	} {
		utilruntime.Must(add(scheme)) // fails where two types have one name, which the compiler's imports decide
	}
	return scheme
}

// kinds are those that rules look at, with their API groups.
var kinds = map[string]string{
	"Deployment": "apps", "StatefulSet": "apps", "DaemonSet": "apps", "ReplicaSet": "apps", "Job": "batch", "CronJob": "batch", "Pod": "", "Service": "", "ReplicationController": "",
	"Namespace": "", "NetworkPolicy": "networking.k8s.io", "PodDisruptionBudget": "policy", "HorizontalPodAutoscaler": "autoscaling",
	"MutatingWebhookConfiguration": "admissionregistration.k8s.io", "ValidatingWebhookConfiguration": "admissionregistration.k8s.io",
}

// A reader decodes manifests as strictly as kubectl does.
type reader struct{ decoder runtime.Decoder }

func newReader() *reader {
	return &reader{serializer.NewCodecFactory(newScheme(), serializer.EnableStrict).UniversalDeserializer()}
}

// decode returns the object and what is wrong with its fields. Nil: it is of a kind that no rule looks at.
func (r *reader) decode(json []byte) (o runtime.Object, strays []string, err error) {
	o, _, err = r.decoder.Decode(json, nil, nil)
	switch {
	case runtime.IsNotRegisteredError(err):
		return nil, nil, nil
	case runtime.IsStrictDecodingError(err):
		strict, _ := runtime.AsStrictDecodingError(err)
		for _, e := range strict.Errors() {
			strays = append(strays, e.Error())
		}
		return o, strays, nil
	}
	return o, nil, err
}

// otherVersion tells whether a kind that rules look at is in a version that they do not read.
func otherVersion(apiVersion, kind string) bool {
	group, known := kinds[kind]
	if !known {
		return false
	}
	its, version, hasGroup := strings.Cut(apiVersion, "/")
	if !hasGroup {
		its, version = "", apiVersion
	}
	read := []string{"v1"}
	if group == "autoscaling" {
		read = []string{"v2"}
	}
	old := its == "extensions" && group == "apps"
	return old || its == group && !slices.Contains(read, version)
}
