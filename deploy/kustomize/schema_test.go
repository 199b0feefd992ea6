package kustomize_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"lameduck/deploy/deploytest/manifests"
)

// TestEveryManifestIsValid decodes all objects like the API server.
func TestEveryManifestIsValid(t *testing.T) {
	for name := range examples {
		t.Run(name, func(t *testing.T) { manifests.Decode(t, buildExample(t, name)) })
	}
	for _, dir := range []string{"../observability", "../observability/servicemonitor"} {
		t.Run(dir, func(t *testing.T) { manifests.Decode(t, manifests.Build(t, dir)) })
	}
}

func TestAMisspeltFieldIsAnError(t *testing.T) {
	_, _, err := manifests.Decoder(t).Decode([]byte(`{"apiVersion":"v1","kind":"Service","spec":{"port":[]}}`), nil, nil)
	if !runtime.IsStrictDecodingError(err) {
		t.Errorf("error %v", err)
	}
}
