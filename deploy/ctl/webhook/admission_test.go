package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
	evanphx "gopkg.in/evanphx/json-patch.v4"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/ctl/inject"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// own is the webhook's namespace, and service its Service, in all tests.
const (
	own     = "lameduck"
	service = "lameduck-webhook"
	host    = service + "." + own + ".svc"
)

func settings() inject.Settings {
	s := inject.Defaults()
	s.Image = "registry.test/lameduck:1"
	return s
}

// newTestHandler returns a handler with settings.
func newTestHandler(log *zap.Logger) *handler {
	i := newInjector(own, []string{"payments"}, "1.2.3", log)
	s := settings()
	i.settings.Store(&s)
	return newHandler(i, newMetrics(prometheus.NewRegistry()), log)
}

// appPod is a Deployment's pod as the API server sends it to webhooks.
const appPod = `{
  "apiVersion": "v1", "kind": "Pod",
  "metadata": {"generateName": "app-5c9d-", "labels": {"app": "app"},
    "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "app-5c9d",
      "uid": "1", "controller": true}]},
  "spec": {"restartPolicy": "Always", "terminationGracePeriodSeconds": 30,
    "containers": [{"name": "app", "image": "app:1",
      "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
      "readinessProbe": {"httpGet": {"path": "/", "port": "http", "scheme": "HTTP"}}}]}
}`

// change returns appPod after a JSON merge patch.
func change(t testing.TB, patch string) string {
	t.Helper()
	text, err := evanphx.MergePatch([]byte(appPod), []byte(patch))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A question is an AdmissionReview as the API server encodes it.
type question struct {
	version, namespace, operation, resource, subresource, pod string
}

func (q question) String() string {
	or := func(a, b string) string {
		if a == "" {
			return b
		}
		return a
	}
	return fmt.Sprintf(`{"kind":"AdmissionReview","apiVersion":%q,"request":{
		"uid":"705ab4f5-6393-11e8-b7cc-42010a800002",
		"kind":{"group":"","version":"v1","kind":"Pod"},
		"resource":{"group":"","version":"v1","resource":%q},"subResource":%q,
		"namespace":%q,"operation":%q,
		"userInfo":{"username":"system:serviceaccount:kube-system:replicaset-controller"},
		"object":%s,"oldObject":null,"dryRun":false,
		"options":{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1"}}}`,
		or(q.version, "admission.k8s.io/v1"), or(q.resource, "pods"), q.subresource,
		or(q.namespace, "shop"), or(q.operation, "CREATE"), or(q.pod, appPod))
}

func post(h http.Handler, body io.Reader) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/mutate?timeout=2s", body)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// ask returns the answer, and fails if it does not allow the pod.
func ask(t testing.TB, h http.Handler, q question) *admissionv1.AdmissionResponse {
	t.Helper()
	w := post(h, strings.NewReader(q.String()))
	if w.Code != http.StatusOK {
		t.Fatalf("HTTP %d: %s", w.Code, w.Body)
	}
	return allowed(t, w.Body.Bytes())
}

func allowed(t testing.TB, text []byte) *admissionv1.AdmissionResponse {
	t.Helper()
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(text, &review); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if review.Response == nil || !review.Response.Allowed || review.Response.UID == "" ||
		review.Kind != "AdmissionReview" {
		t.Fatalf("the answer does not allow: %s", text)
	}
	return review.Response
}

// apply returns the pod after the answer's patch.
func apply(t testing.TB, pod string, r *admissionv1.AdmissionResponse) string {
	t.Helper()
	if r.Patch == nil {
		return pod
	}
	if r.PatchType == nil || *r.PatchType != admissionv1.PatchTypeJSONPatch {
		t.Fatal("the patch has no type")
	}
	patch, err := evanphx.DecodePatch(r.Patch)
	if err != nil {
		t.Fatal(err)
	}
	text, err := patch.Apply([]byte(pod))
	if err != nil {
		t.Fatalf("%v: %s", err, r.Patch)
	}
	return string(text)
}

func decodePod(t testing.TB, text string) *corev1.Pod {
	t.Helper()
	pod := new(corev1.Pod)
	if err := json.Unmarshal([]byte(text), pod); err != nil {
		t.Fatal(err)
	}
	return pod
}

func expectCount(t *testing.T, m *metrics, of result, want float64) {
	t.Helper()
	if got := testutil.ToFloat64(m.requests.WithLabelValues(string(of))); got != want {
		t.Errorf("%v requests are counted as %s, want %v", got, of, want)
	}
}

// errDown is the error of an API server that cannot be reached.
var errDown = errors.New("connection refused")

func testLog(t testing.TB) *zap.Logger {
	return zaptest.NewLogger(t,
		zaptest.Level(zap.ErrorLevel))
}

// appendContainer returns a pod with one more container.
func appendContainer(t testing.TB, pod, container string) string {
	t.Helper()
	patch, err := evanphx.DecodePatch([]byte(
		`[{"op":"add","path":"/spec/containers/-","value":` + container + `}]`))
	if err != nil {
		t.Fatal(err)
	}
	text, err := patch.Apply([]byte(pod))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
