package webhook

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
	evanphx "gopkg.in/evanphx/json-patch.v4"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	sigsjson "sigs.k8s.io/json"
)

func expectNoProblems(t *testing.T, registry *prometheus.Registry) {
	t.Helper()
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// FuzzHandler expects for any body either a 4xx error, or an answer that allows the pod, has the
// request's uid, and has a patch that applies. The patched pod gets an answer without a patch.
func FuzzHandler(f *testing.F) {
	f.Add([]byte(question{}.String()))
	f.Add([]byte(question{version: "admission.k8s.io/v1beta1"}.String()))
	f.Add([]byte(question{pod: `{
		"metadata":{"annotations":{
			"lameduck.dev/shape":"wrapper","lameduck.dev/ports":"8080;proto=tcp"}},
		"spec":{"containers":[{"name":"a","command":["a"],"ports":[{"containerPort":8080}]}]}}`}.String()))
	f.Add([]byte(question{pod: `{"spec":{"hostNetwork":true,"containers":[
		{"name":"a","ports":[{"containerPort":80,"hostPort":80}]},{"name":"b"}]}}`}.String()))
	f.Add([]byte(question{pod: `null`}.String()))
	f.Add([]byte(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1",
		"request":{"uid":"\ud800","object":[]}}`))
	f.Add([]byte(`[[[[`))
	f.Fuzz(func(t *testing.T, body []byte) {
		h := newTestHandler(zap.NewNop())
		w := post(h, bytes.NewReader(body))
		if w.Code == http.StatusBadRequest {
			return
		}
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
			t.Fatalf("HTTP %d", w.Code)
		}
		r := allowed(t, w.Body.Bytes())
		var asked admissionv1.AdmissionReview
		if err := json.Unmarshal(body, &asked); err != nil {
			return // that decoder is case-sensitive, this one is not
		}
		if asked.Request != nil && r.UID != asked.Request.UID {
			t.Errorf("the answer is for %q", r.UID)
		}
		if r.Patch == nil {
			return
		}
		patch, err := evanphx.DecodePatch(r.Patch)
		if err != nil {
			t.Fatal(err)
		}
		pod, err := patch.Apply(normal(t, asked.Request.Object.Raw))
		if err != nil {
			t.Fatalf("%v: %s", err, r.Patch)
		}
		if again := ask(t, h, question{pod: string(pod)}); again.Patch != nil {
			t.Errorf("asked again, the answer has a patch: %s", again.Patch)
		}
	})
}

// normal returns the pod as an API server encodes it after decoding.
func normal(t *testing.T, text []byte) []byte {
	pod := new(corev1.Pod)
	if err := sigsjson.UnmarshalCaseSensitivePreserveInts(text, pod); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
