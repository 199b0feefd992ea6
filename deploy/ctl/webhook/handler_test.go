package webhook

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	admissionv1 "k8s.io/api/admission/v1"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/jsonpatch"
)

func TestWhichPodsAreInjected(t *testing.T) {
	meta := func(fields string) question {
		return question{pod: change(t, `{"metadata":`+fields+`}`)}
	}
	spec := func(fields string) question {
		return question{pod: change(t, `{"spec":`+fields+`}`)}
	}
	annotated := func(key, value string) question {
		return meta(fmt.Sprintf(`{"annotations":{%q:%q}}`, key, value))
	}
	owned := func(group, kind string) question {
		return meta(fmt.Sprintf(`{"ownerReferences":[{"apiVersion":"%s/v1","kind":%q,
			"name":"x","uid":"1","controller":true}]}`, group, kind))
	}
	previous := meta(`{"annotations":{"lameduck.dev/injected":"{\"v\":1,\"shape\":\"plain\"}",
		"lameduck.dev/shape":"plain"}}`)
	tests := []struct {
		name string
		q    question
		want result
		warn string // part of the warning, or "" for none
	}{
		{"a Deployment's pod", question{}, injected, ""},
		{"a pod without an owner", meta(`{"ownerReferences":null}`), injected, ""},
		{"a StatefulSet's pod", owned("apps", "StatefulSet"), injected, ""},
		{"a pod of a kind Job of another group", owned("jobs.test", "Job"), injected, ""},
		{"a Job's pod", owned("batch", "Job"), unchanged, ""},
		{"a pod that runs to completion", spec(`{"restartPolicy":"Never"}`), unchanged, ""},
		{"a pod that opts out", meta(`{"labels":{"lameduck.dev/inject":"disabled"}}`), unchanged, ""},
		{"a pod that was injected before", previous, unchanged, ""},
		{"a malformed record", annotated("lameduck.dev/injected", "{"), unchanged, ""},
		{"the mirror of a static pod", annotated("kubernetes.io/config.mirror", "1"), unchanged, ""},
		{"kube-system", question{namespace: "kube-system"}, unchanged, ""},
		{"kube-public", question{namespace: "kube-public"}, unchanged, ""},
		{"kube-node-lease", question{namespace: "kube-node-lease"}, unchanged, ""},
		{"the webhook's own namespace", question{namespace: own}, unchanged, ""},
		{"a namespace in the flags", question{namespace: "payments"}, unchanged, ""},
		{"an unknown annotation", annotated("lameduck.dev/lb-dely", "90s"), refused,
			"lameduck.dev/lb-dely"},
		{"a malformed annotation", annotated("lameduck.dev/lb-delay", "soon"), refused,
			"must be a duration"},
		{"a pod without a port", spec(`{"containers":[{"name":"app","image":"app:1"}]}`), unchanged, ""},
		{"a port without a number", spec(`{"containers":[{"name":"app","image":"app:1","ports":[{}]}]}`), refused,
			"containerPort"},
		{"a pod of wrong types", question{pod: `{"spec":{"containers":"app"}}`}, failed,
			"the pod cannot be read"},
		{"no pod", question{pod: `null`}, failed, "the pod cannot be read"},
		{"an empty pod", question{pod: `{}`}, refused, "add the app's container"},
		{"another version", question{version: "admission.k8s.io/v1beta1"}, failed,
			"admissionReviewVersions: [v1]"},
		{"another operation", question{operation: "UPDATE"}, failed, "CREATE of pods"},
		{"another resource", question{resource: "deployments"}, failed, "CREATE of pods"},
		{"a subresource", question{subresource: "exec"}, failed, "CREATE of pods"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newTestHandler(testLog(t))
			r := ask(t, h, tt.q)
			expectCount(t, h.metrics, tt.want, 1)
			if (tt.want == injected) != (r.Patch != nil) {
				t.Errorf("the answer's patch is %s", r.Patch)
			}
			output := strings.Join(r.Warnings, "\n")
			if tt.warn == "" && output != "" || !strings.Contains(output, tt.warn) {
				t.Errorf("warning %q, want %q in it", output, tt.warn)
			}
		})
	}
}

func TestAnInjectedPodHasTheSidecarAndTheVersion(t *testing.T) {
	pod := decodePod(t, apply(t, appPod, ask(t, newTestHandler(testLog(t)), question{})))
	if len(pod.Spec.InitContainers) != 1 ||
		pod.Spec.InitContainers[0].Image != "registry.test/lameduck:1" {
		t.Errorf("init containers: %+v", pod.Spec.InitContainers)
	}
	if pod.Spec.Containers[0].Lifecycle == nil || pod.Annotations[inject.InjectedAnnotation] == "" {
		t.Errorf("no hook or no record: %+v", pod)
	}
	if got := pod.Annotations[InjectedByAnnotation]; got != "1.2.3" {
		t.Errorf("annotation %s is %q", InjectedByAnnotation, got)
	}
}

func TestADryRunGetsTheSameAnswer(t *testing.T) {
	h := newTestHandler(testLog(t))
	dry := strings.Replace(question{}.String(), `"dryRun":false`, `"dryRun":true`, 1)
	r := allowed(t, post(h, strings.NewReader(dry)).Body.Bytes())
	if !bytes.Equal(r.Patch, ask(t, h, question{}).Patch) {
		t.Errorf("patch %s", r.Patch)
	}
}

// TestReinvocationPatchesOnlyWhatIsNew calls the webhook as the API server does with
// reinvocationPolicy IfNeeded.
func TestReinvocationPatchesOnlyWhatIsNew(t *testing.T) {
	h := newTestHandler(testLog(t))
	once := apply(t, appPod, ask(t, h, question{}))
	if again := ask(t, h, question{pod: once}); again.Patch != nil {
		t.Fatalf("the second answer to the same has a patch: %s", again.Patch)
	}
	mesh := appendContainer(t, once, `{"name":"mesh","image":"mesh:1"}`)
	twice := apply(t, mesh, ask(t, h, question{pod: mesh}))
	pod := decodePod(t, twice)
	c := pod.Spec.Containers[1]
	if c.Name != "mesh" || c.Lifecycle == nil || c.Lifecycle.PreStop == nil {
		t.Errorf("the container of another webhook is not held: %+v", c)
	}
	if len(pod.Spec.InitContainers) != 1 {
		t.Errorf("%d sidecars, want 1", len(pod.Spec.InitContainers))
	}
	if again := ask(t, h, question{pod: twice}); again.Patch != nil {
		t.Errorf("the third answer has a patch: %s", again.Patch)
	}
}

func TestAMalformedReviewGetsAnHTTPError(t *testing.T) {
	const json = "application/json"
	review := question{}.String()
	group := func(of, request string) string {
		return `{"kind":"AdmissionReview","apiVersion":"` + of + `"` + request + `}`
	}
	const ours = "admission.k8s.io/v1"
	tests := []struct {
		name, method, contentType, body string
		want                            int
	}{
		{"GET", http.MethodGet, json, "", http.StatusMethodNotAllowed},
		{"another content type", http.MethodPost, "application/yaml", review,
			http.StatusUnsupportedMediaType},
		{"no content type", http.MethodPost, "", review, http.StatusUnsupportedMediaType},
		{"nothing", http.MethodPost, json, "", http.StatusBadRequest},
		{"no JSON", http.MethodPost, json, "hello", http.StatusBadRequest},
		{"half a review", http.MethodPost, json, review[:900], http.StatusBadRequest},
		{"another kind", http.MethodPost, json, `{"kind":"Pod","apiVersion":"v1"}`,
			http.StatusBadRequest},
		{"another group", http.MethodPost, json, group("v1", `,"request":{"uid":"1"}`),
			http.StatusBadRequest},
		{"no request", http.MethodPost, json, group(ours, ""), http.StatusBadRequest},
		{"no uid", http.MethodPost, json, group(ours, `,"request":{}`), http.StatusBadRequest},
		{"deep nesting", http.MethodPost, json, strings.Repeat(`{"request":`, 20000),
			http.StatusBadRequest},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newTestHandler(testLog(t))
			r := httptest.NewRequest(tt.method, "/mutate", strings.NewReader(tt.body))
			r.Header.Set("Content-Type", tt.contentType)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != tt.want {
				t.Errorf("HTTP %d, want %d: %s", w.Code, tt.want, w.Body)
			}
			expectCount(t, h.metrics, invalid, 1)
		})
	}
}

func TestACharsetInTheContentTypeIsAccepted(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/mutate", strings.NewReader(question{}.String()))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	w := httptest.NewRecorder()
	newTestHandler(testLog(t)).ServeHTTP(w, r)
	allowed(t, w.Body.Bytes())
}

func TestAPanicIsAWarning(t *testing.T) {
	h := newTestHandler(zap.NewNop())
	h.injector.plan = func(inject.Workload, inject.Settings) (inject.Plan, error) { panic("fault") }
	r := ask(t, h, question{})
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "internal error") {
		t.Errorf("answer %+v", r)
	}
	expectCount(t, h.metrics, failed, 1)
}

func TestAPatchThatCannotBeWrittenIsAWarning(t *testing.T) {
	h := newTestHandler(zap.NewNop())
	h.injector.plan = func(inject.Workload, inject.Settings) (inject.Plan, error) {
		return inject.Plan{Patch: []jsonpatch.Operation{{Op: "add", Path: "/x", Value: func() {}}}},
			nil
	}
	if r := ask(t, h, question{}); len(r.Warnings) != 1 || r.Patch != nil {
		t.Errorf("answer %+v", r)
	}
	expectCount(t, h.metrics, failed, 1)
}

func TestUntilTheShapeIsKnownPodsAreAllowedWithAWarning(t *testing.T) {
	h := newTestHandler(testLog(t))
	h.injector.settings.Store(nil)
	r := ask(t, h, question{})
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "version") {
		t.Errorf("answer %+v", r)
	}
}

func TestWarningsFitIntoAHeader(t *testing.T) {
	long := make([]string, 20)
	for i := range long {
		long[i] = "a\nb\x00c\xff" + strings.Repeat("é", 300)
	}
	got := cleanWarnings(long)
	if len(got) != maxWarnings {
		t.Errorf("%d warnings, want %d", len(got), maxWarnings)
	}
	for _, w := range got {
		if len(w) > maxWarning || strings.ContainsAny(w, "\n\x00") || !utf8.ValidString(w) ||
			strings.ContainsRune(w, '\uFFFD') || !strings.HasSuffix(w, "é...") {
			t.Errorf("%q", w)
		}
	}
}

func TestTheBeginningOfAReviewIsEnoughForAnAnswer(t *testing.T) {
	text := question{}.String()
	const id = "705ab4f5-6393-11e8-b7cc-42010a800002"
	need := strings.Index(text, id) + len(id) + len(`"`)
	for n := range len(text) {
		asked, uid, found := parseBeginning([]byte(text[:n]))
		if found != (n >= need) {
			t.Fatalf("%d bytes: found %v", n, found)
		}
		version := admissionv1.SchemeGroupVersion.String()
		if found && (uid != id || asked.APIVersion != version) {
			t.Fatalf("%d bytes: %q of %+v", n, uid, asked)
		}
	}
	if need > firstRead {
		t.Errorf("%d bytes are needed", need)
	}
}

func TestMetricsFollowPrometheusNaming(t *testing.T) {
	registry := prometheus.NewRegistry()
	newMetrics(registry)
	expectNoProblems(t, registry)
}
