package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
	evanphx "gopkg.in/evanphx/json-patch.v4"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

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

// newTestHandler returns one that knows what to inject.
func newTestHandler(log *zap.Logger) *handler {
	i := newInjector(own, []string{"payments"}, "1.2.3", log)
	s := settings()
	i.settings.Store(&s)
	return newHandler(i, newMetrics(prometheus.NewRegistry(), true), log)
}

// appPod is what a Deployment's pod looks like when the API server asks about it.
const appPod = `{
  "apiVersion": "v1", "kind": "Pod",
  "metadata": {"generateName": "app-5c9d-", "labels": {"app": "app"},
    "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "app-5c9d", "uid": "1", "controller": true}]},
  "spec": {"restartPolicy": "Always", "terminationGracePeriodSeconds": 30,
    "containers": [{"name": "app", "image": "app:1", "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
      "readinessProbe": {"httpGet": {"path": "/", "port": "http", "scheme": "HTTP"}}}]}
}`

// change returns appPod with a JSON merge patch in it.
func change(t testing.TB, patch string) string {
	t.Helper()
	text, err := evanphx.MergePatch([]byte(appPod), []byte(patch))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A question is an AdmissionReview, as the API server writes it.
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
	return fmt.Sprintf(`{"kind":"AdmissionReview","apiVersion":%q,"request":{"uid":"705ab4f5-6393-11e8-b7cc-42010a800002",
		"kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":%q},"subResource":%q,
		"namespace":%q,"operation":%q,"userInfo":{"username":"system:serviceaccount:kube-system:replicaset-controller"},
		"object":%s,"oldObject":null,"dryRun":false,"options":{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1"}}}`,
		or(q.version, "admission.k8s.io/v1"), or(q.resource, "pods"), q.subresource, or(q.namespace, "shop"), or(q.operation, "CREATE"), or(q.pod, appPod))
}

func post(h http.Handler, body io.Reader) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/mutate?timeout=2s", body)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// ask returns the answer, which always allows.
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
	if review.Response == nil || !review.Response.Allowed || review.Response.UID == "" || review.Kind != "AdmissionReview" {
		t.Fatalf("the answer does not allow: %s", text)
	}
	return review.Response
}

// apply returns the pod as the API server makes it with the answer.
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

// errDown is what an API server says that is not there.
var errDown = errors.New("connection refused")

// A memoryCluster is a Cluster with the API server's rules for resourceVersions.
type memoryCluster struct {
	mu             sync.Mutex
	down           bool
	noCreate       bool // as roles of the least kind have it
	version        int
	secret         *corev1.Secret
	configuration  *admissionregistrationv1.MutatingWebhookConfiguration
	secretWrites   int
	configWrites   int
	betweenReading func() // called once, after the configuration is read and before the Secret is
}

func newMemoryCluster() *memoryCluster {
	c := &memoryCluster{version: 1}
	c.secret = &corev1.Secret{Type: corev1.SecretTypeOpaque}
	c.secret.ResourceVersion = "1"
	c.configuration = &admissionregistrationv1.MutatingWebhookConfiguration{}
	c.configuration.ResourceVersion = "1"
	c.configuration.Webhooks = []admissionregistrationv1.MutatingWebhook{
		{Name: "others.test", ClientConfig: clientConfig("others", "others")},
		{Name: "inject.lameduck.dev", ClientConfig: clientConfig(own, service)},
	}
	return c
}

func clientConfig(namespace, name string) admissionregistrationv1.WebhookClientConfig {
	return admissionregistrationv1.WebhookClientConfig{Service: &admissionregistrationv1.ServiceReference{Namespace: namespace, Name: name}}
}

func (c *memoryCluster) enter() error {
	c.mu.Lock()
	if c.down {
		c.mu.Unlock()
		return errDown
	}
	return nil
}

func (c *memoryCluster) next() string { c.version++; return strconv.Itoa(c.version) }

func (c *memoryCluster) Secret(context.Context) (*corev1.Secret, error) {
	if f := c.betweenReading; f != nil {
		c.betweenReading = nil
		f()
	}
	if err := c.enter(); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	if c.secret == nil {
		return nil, ErrNotFound
	}
	return c.secret.DeepCopy(), nil
}

func (c *memoryCluster) PutSecret(_ context.Context, s *corev1.Secret) error {
	if err := c.enter(); err != nil {
		return err
	}
	defer c.mu.Unlock()
	switch {
	case c.secret == nil && s.ResourceVersion == "" && c.noCreate:
		return errors.New("secrets is forbidden")
	case c.secret == nil && s.ResourceVersion != "":
		return ErrNotFound
	case c.secret != nil && c.secret.ResourceVersion != s.ResourceVersion:
		return ErrConflict
	}
	c.secret = s.DeepCopy()
	c.secret.ResourceVersion = c.next()
	c.secretWrites++
	return nil
}

func (c *memoryCluster) Configuration(context.Context) (*admissionregistrationv1.MutatingWebhookConfiguration, error) {
	if err := c.enter(); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	if c.configuration == nil {
		return nil, ErrNotFound
	}
	return c.configuration.DeepCopy(), nil
}

func (c *memoryCluster) PatchConfiguration(_ context.Context, patch []byte) error {
	if err := c.enter(); err != nil {
		return err
	}
	defer c.mu.Unlock()
	if c.configuration == nil {
		return ErrNotFound
	}
	var says struct {
		Metadata struct{ ResourceVersion string }
	}
	if err := json.Unmarshal(patch, &says); err != nil {
		return err
	}
	if v := says.Metadata.ResourceVersion; v != "" && v != c.configuration.ResourceVersion {
		return ErrConflict
	}
	before, err := json.Marshal(c.configuration)
	if err != nil {
		return err
	}
	after, err := strategicpatch.StrategicMergePatch(before, patch, c.configuration)
	if err != nil {
		return err
	}
	if bytes.Equal(before, after) {
		return nil
	}
	changed := new(admissionregistrationv1.MutatingWebhookConfiguration)
	if err := json.Unmarshal(after, changed); err != nil {
		return err
	}
	changed.ResourceVersion = c.next()
	c.configuration = changed
	c.configWrites++
	return nil
}

// bundle is what the API server trusts.
func (c *memoryCluster) bundle() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.configuration.Webhooks[1].ClientConfig.CABundle
}

func testLog(t testing.TB) *zap.Logger { return zaptest.NewLogger(t, zaptest.Level(zap.ErrorLevel)) }
