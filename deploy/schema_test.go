package deploy_test

import (
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// TestEveryManifestIsOfItsKindsSchema decodes with the types that the API server is compiled from, and as strictly: a field that
// is unknown or twice there, or of another type, is an error.
func TestEveryManifestIsOfItsKindsSchema(t *testing.T) {
	for name := range examples {
		t.Run(name, func(t *testing.T) { decode(t, buildExample(t, name)) })
	}
	for _, dir := range []string{"observability", "observability/servicemonitor"} {
		t.Run(dir, func(t *testing.T) { decode(t, build(t, filesys.MakeFsOnDisk(), dir)) })
	}
}

func TestAMisspeltFieldIsSeen(t *testing.T) {
	_, _, err := decoder(t).Decode([]byte(`{"apiVersion":"v1","kind":"Service","spec":{"port":[]}}`), nil, nil)
	if !runtime.IsStrictDecodingError(err) {
		t.Errorf("error %v", err)
	}
}

// decode returns every object of the map.
func decode(t *testing.T, m resmap.ResMap) []runtime.Object {
	t.Helper()
	var texts []string
	for _, r := range m.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return decodeTexts(t, texts)
}

// decodeTexts returns an object for each text in YAML.
func decodeTexts(t *testing.T, texts []string) []runtime.Object {
	t.Helper()
	var objects []runtime.Object
	for _, text := range texts {
		o, _, err := decoder(t).Decode([]byte(text), nil, nil)
		if err != nil {
			t.Errorf("%v in\n%s", err, text)
			continue
		}
		objects = append(objects, o)
	}
	return objects
}

func decoder(t *testing.T) runtime.Decoder {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		admissionv1.AddToScheme, appsv1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme,
		rbacv1.AddToScheme, monitoringv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
}
