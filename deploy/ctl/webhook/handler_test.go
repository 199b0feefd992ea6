package webhook

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	admissionv1 "k8s.io/api/admission/v1"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/jsonpatch"
)

func TestWhatBecomesOfAPod(t *testing.T) {
	meta := func(format string, args ...any) question {
		return question{pod: change(t, `{"metadata":`+fmt.Sprintf(format, args...)+`}`)}
	}
	tests := []struct {
		name string
		q    question
		want result
		warn string // part of the warning; empty: there is none
	}{
		{"a Deployment's pod is injected", question{}, injected, ""},
		{"a pod of nobody's is injected", meta(`{"ownerReferences":null}`), injected, ""},
		{"a StatefulSet's pod is injected", meta(`{"ownerReferences":[{"apiVersion":"apps/v1","kind":"StatefulSet","name":"db","uid":"1","controller":true}]}`), injected, ""},
		{"a kind Job of another group is not a Job", meta(`{"ownerReferences":[{"apiVersion":"jobs.test/v1","kind":"Job","name":"x","uid":"1","controller":true}]}`), injected, ""},
		{"a Job's pod is left alone", meta(`{"ownerReferences":[{"apiVersion":"batch/v1","kind":"Job","name":"x","uid":"1","controller":true}]}`), unchanged, ""},
		{"a pod that runs to its end is left alone", question{pod: change(t, `{"spec":{"restartPolicy":"Never"}}`)}, unchanged, ""},
		{"a pod that opts out is left alone", meta(`{"labels":{"lameduck.dev/inject":"disabled"}}`), unchanged, ""},
		{"a pod that comes injected is left alone", meta(`{"annotations":{"lameduck.dev/injected":"{\"v\":1,\"shape\":\"plain\"}","lameduck.dev/shape":"plain"}}`), unchanged, ""},
		{"so is one whose record nobody can read", meta(`{"annotations":{"lameduck.dev/injected":"{"}}`), unchanged, ""},
		{"the picture of a static pod is left alone", meta(`{"annotations":{"kubernetes.io/config.mirror":"1"}}`), unchanged, ""},
		{"kube-system is left alone", question{namespace: "kube-system"}, unchanged, ""},
		{"kube-public is left alone", question{namespace: "kube-public"}, unchanged, ""},
		{"kube-node-lease is left alone", question{namespace: "kube-node-lease"}, unchanged, ""},
		{"the webhook's own namespace is left alone", question{namespace: own}, unchanged, ""},
		{"a namespace that the flags name is left alone", question{namespace: "payments"}, unchanged, ""},
		{"an unknown annotation is reported", meta(`{"annotations":{"lameduck.dev/lb-dely":"90s"}}`), refused, "lameduck.dev/lb-dely"},
		{"a malformed annotation is reported", meta(`{"annotations":{"lameduck.dev/lb-delay":"soon"}}`), refused, "must be a duration"},
		{"a pod with no port is reported", question{pod: change(t, `{"spec":{"containers":[{"name":"app","image":"app:1"}]}}`)}, refused, "spec.containers"},
		{"a pod that cannot be read is reported", question{pod: `{"spec":{"containers":"app"}}`}, failed, "the pod cannot be read"},
		{"no pod is reported", question{pod: `null`}, failed, "the pod cannot be read"},
		{"an empty pod is reported", question{pod: `{}`}, refused, "add the app's container"},
		{"another version is reported", question{version: "admission.k8s.io/v1beta1"}, failed, "admissionReviewVersions: [v1]"},
		{"another operation is reported", question{operation: "UPDATE"}, failed, "CREATE of pods"},
		{"another resource is reported", question{resource: "deployments"}, failed, "CREATE of pods"},
		{"a subresource is reported", question{subresource: "exec"}, failed, "CREATE of pods"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newTestHandler(testLog(t))
			r := ask(t, h, tt.q)
			expectCount(t, h.metrics, tt.want, 1)
			if (tt.want == injected) != (r.Patch != nil) {
				t.Errorf("the answer's patch is %s", r.Patch)
			}
			if said := strings.Join(r.Warnings, "\n"); tt.warn == "" && said != "" || !strings.Contains(said, tt.warn) {
				t.Errorf("the warning is %q, want %q in it", said, tt.warn)
			}
		})
	}
}

func TestAnInjectedPodHasTheSidecarAndSaysWhoDidIt(t *testing.T) {
	pod := decodePod(t, apply(t, appPod, ask(t, newTestHandler(testLog(t)), question{})))
	if len(pod.Spec.InitContainers) != 1 || pod.Spec.InitContainers[0].Image != "registry.test/lameduck:1" {
		t.Errorf("init containers: %+v", pod.Spec.InitContainers)
	}
	if pod.Spec.Containers[0].Lifecycle == nil || pod.Annotations[inject.InjectedAnnotation] == "" {
		t.Errorf("there is no hook or no record: %+v", pod)
	}
	if got := pod.Annotations[InjectedByAnnotation]; got != "1.2.3" {
		t.Errorf("annotation %s is %q", InjectedByAnnotation, got)
	}
}

func TestADryRunIsAnsweredAsAnyOther(t *testing.T) {
	h := newTestHandler(testLog(t))
	dry := strings.Replace(question{}.String(), `"dryRun":false`, `"dryRun":true`, 1)
	if r := allowed(t, post(h, strings.NewReader(dry)).Body.Bytes()); !bytes.Equal(r.Patch, ask(t, h, question{}).Patch) {
		t.Errorf("the patch is %s", r.Patch)
	}
}

// TestReinvocationAnswersWhatIsNewAlone plays what the API server does with reinvocationPolicy
// IfNeeded.
func TestReinvocationAnswersWhatIsNewAlone(t *testing.T) {
	h := newTestHandler(testLog(t))
	once := apply(t, appPod, ask(t, h, question{}))
	if again := ask(t, h, question{pod: once}); again.Patch != nil {
		t.Fatalf("the second answer to the same has a patch: %s", again.Patch)
	}
	mesh, err := appendContainer(once, `{"name":"mesh","image":"mesh:1"}`)
	if err != nil {
		t.Fatal(err)
	}
	twice := apply(t, mesh, ask(t, h, question{pod: mesh}))
	pod := decodePod(t, twice)
	if c := pod.Spec.Containers[1]; c.Name != "mesh" || c.Lifecycle == nil || c.Lifecycle.PreStop == nil {
		t.Errorf("the container of another webhook is not held: %+v", c)
	}
	if len(pod.Spec.InitContainers) != 1 {
		t.Errorf("there are %d sidecars", len(pod.Spec.InitContainers))
	}
	if again := ask(t, h, question{pod: twice}); again.Patch != nil {
		t.Errorf("the third answer has a patch: %s", again.Patch)
	}
}

func appendContainer(pod, container string) (string, error) {
	marker := `"name":"app"`
	if !strings.Contains(pod, marker) {
		return "", fmt.Errorf("no container in %s", pod)
	}
	var b strings.Builder
	at := strings.LastIndex(pod, `"containers":[`) + len(`"containers":[`)
	depth, i := 0, at
	for ; i < len(pod); i++ { // to the end of the list
		switch pod[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if depth < 0 {
			break
		}
	}
	b.WriteString(pod[:i] + "," + container + pod[i:])
	return b.String(), nil
}

func TestWhatIsNoReviewGetsAnHTTPError(t *testing.T) {
	tests := []struct {
		name, method, contentType, body string
		want                            int
	}{
		{"GET", http.MethodGet, "application/json", "", http.StatusMethodNotAllowed},
		{"another content type", http.MethodPost, "application/yaml", question{}.String(), http.StatusUnsupportedMediaType},
		{"no content type", http.MethodPost, "", question{}.String(), http.StatusUnsupportedMediaType},
		{"nothing", http.MethodPost, "application/json", "", http.StatusBadRequest},
		{"no JSON", http.MethodPost, "application/json", "hello", http.StatusBadRequest},
		{"half a review", http.MethodPost, "application/json", question{}.String()[:900], http.StatusBadRequest},
		{"another kind", http.MethodPost, "application/json", `{"kind":"Pod","apiVersion":"v1"}`, http.StatusBadRequest},
		{"another group", http.MethodPost, "application/json", `{"kind":"AdmissionReview","apiVersion":"v1","request":{"uid":"1"}}`, http.StatusBadRequest},
		{"no request", http.MethodPost, "application/json", `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}`, http.StatusBadRequest},
		{"no uid", http.MethodPost, "application/json", `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{}}`, http.StatusBadRequest},
		{"deep nesting", http.MethodPost, "application/json", strings.Repeat(`{"request":`, 20000), http.StatusBadRequest},
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

func TestACharsetInTheContentTypeIsFine(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/mutate", strings.NewReader(question{}.String()))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	w := httptest.NewRecorder()
	newTestHandler(testLog(t)).ServeHTTP(w, r)
	allowed(t, w.Body.Bytes())
}

// spaces is a long body, of which nobody has to make one.
type spaces struct{ left int }

func (s *spaces) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), s.left)
	for i := range p[:n] {
		p[i] = ' '
	}
	s.left -= n
	return n, nil
}

func TestALongBodyIsNotReadToItsEnd(t *testing.T) {
	for name, declare := range map[string]bool{"of known length": true, "of unknown length": false} {
		t.Run(name, func(t *testing.T) {
			h := newTestHandler(testLog(t))
			const length = 100 << 20
			body := &spaces{length}
			r := httptest.NewRequest(http.MethodPost, "/mutate", body)
			r.Header.Set("Content-Type", "application/json")
			r.ContentLength = -1
			if declare {
				r.ContentLength = length
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != http.StatusRequestEntityTooLarge {
				t.Errorf("HTTP %d", w.Code)
			}
			if read := length - body.left; read > maxBody+1 {
				t.Errorf("%d bytes are read", read)
			}
			expectAllGiven(t, h)
		})
	}
}

func expectAllGiven(t *testing.T, h *handler) {
	t.Helper()
	if left := h.budget.left.Load(); left != maxBodies {
		t.Errorf("%d bytes are not given back", maxBodies-left)
	}
}

func TestALongPodIsInjected(t *testing.T) {
	h := newTestHandler(testLog(t))
	q := question{pod: change(t, `{"metadata":{"annotations":{"long":"`+strings.Repeat("x", 3<<20)+`"}}}`)}
	if r := ask(t, h, q); r.Patch == nil {
		t.Error("there is no patch")
	}
	expectAllGiven(t, h)
}

func TestWithoutMemoryForItsBodyAPodIsAllowedWithAWarning(t *testing.T) {
	h := newTestHandler(testLog(t))
	h.budget.take(maxBodies - firstGrowth/2)
	r := ask(t, h, question{pod: change(t, `{"metadata":{"annotations":{"long":"`+strings.Repeat("x", 4<<10)+`"}}}`)})
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "too much memory") || r.Patch != nil {
		t.Errorf("the answer is %+v", r)
	}
	expectCount(t, h.metrics, overload, 1)
	if w := post(h, &spaces{1 << 20}); w.Code != http.StatusServiceUnavailable {
		t.Errorf("without the beginning of a review: HTTP %d", w.Code)
	}
	if left := h.budget.left.Load(); left != firstGrowth/2 {
		t.Errorf("%d bytes are left", left)
	}
}

func TestWithoutASlotAPodIsAllowedWithAWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHandler(zap.NewNop())
		for range cap(h.slots) {
			h.slots <- struct{}{}
		}
		r := ask(t, h, question{})
		if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "overloaded: too many requests") || r.Patch != nil {
			t.Errorf("the answer is %+v", r)
		}
		expectCount(t, h.metrics, overload, 1)
		go func() { <-h.slots }()
		if r := ask(t, h, question{}); r.Patch == nil {
			t.Errorf("when there is a turn again, the answer is %+v", r)
		}
	})
}

func TestASlotIsReturned(t *testing.T) {
	h := newTestHandler(testLog(t))
	for range 2*cap(h.slots) + 1 {
		ask(t, h, question{})
	}
	expectCount(t, h.metrics, overload, 0)
}

// TestAPodOfManyPartsIsNotUnpacked has pods that would become hundreds of times as large as their text.
func TestAPodOfManyPartsIsNotUnpacked(t *testing.T) {
	for name, part := range map[string]string{
		"containers": `{"spec":{"containers":[{}` + strings.Repeat(",{}", 1<<20) + `]}}`,
		"lists":      `{"spec":{"containers":[{"command":[]` + strings.Repeat(`,"args":[]`, 1<<16) + `}]}}`,
		"nesting":    `{"x":` + strings.Repeat("[", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			h := newTestHandler(testLog(t))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r := ask(t, h, question{pod: part})
			runtime.ReadMemStats(&after)
			if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "too many fields") {
				t.Errorf("the answer is %+v", r)
			}
			expectCount(t, h.metrics, failed, 1)
			if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
				t.Errorf("it takes %d MB", took>>20)
			}
		})
	}
}

func TestCommasInAStringAreNoParts(t *testing.T) {
	q := question{pod: change(t, `{"metadata":{"annotations":{"long":"`+strings.Repeat(`{[,\"\\`, 1<<16)+`"}}}`)}
	if r := ask(t, newTestHandler(testLog(t)), q); r.Patch == nil {
		t.Errorf("the answer is %+v", r)
	}
}

// TestTheWorstPodTakesNoTime has as many containers, or ports, as are looked at.
func TestTheWorstPodTakesNoTime(t *testing.T) {
	many := func(format string, n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(format, i))
		}
		return strings.Join(all, ",")
	}
	for name, pod := range map[string]string{
		"containers": `{"spec":{"containers":[` + many(`{"name":"c%d"}`, maxParts/2-20) + `]}}`,
		"ports":      `{"spec":{"containers":[{"name":"a","ports":[` + many(`{"containerPort":%d}`, maxParts/2-20) + `]}]}}`,
		"both":       `{"spec":{"containers":[` + many(`{"name":"c%[1]d","ports":[{"name":"p%[1]d","containerPort":%[1]d}]}`, maxParts/6-20) + `]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			h := newTestHandler(testLog(t))
			began := time.Now()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r := ask(t, h, question{pod: pod})
			runtime.ReadMemStats(&after)
			took := time.Since(began)
			t.Logf("%s, %d MB, %d bytes of patch, warnings %.300q", took, (after.TotalAlloc-before.TotalAlloc)>>20, len(r.Patch), r.Warnings)
			if took > 30*time.Second {
				t.Errorf("it takes %s", took)
			}
		})
	}
}

func TestAFaultOfOursIsAWarning(t *testing.T) {
	h := newTestHandler(zap.NewNop())
	h.injector.plan = func(inject.Workload, inject.Settings) (inject.Plan, error) { panic("fault") }
	r := ask(t, h, question{})
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "internal error") {
		t.Errorf("the answer is %+v", r)
	}
	expectCount(t, h.metrics, failed, 1)
}

func TestAPatchThatCannotBeWrittenIsAWarning(t *testing.T) {
	h := newTestHandler(zap.NewNop())
	h.injector.plan = func(inject.Workload, inject.Settings) (inject.Plan, error) {
		return inject.Plan{Patch: []jsonpatch.Operation{{Op: "add", Path: "/x", Value: func() {}}}}, nil
	}
	if r := ask(t, h, question{}); len(r.Warnings) != 1 || r.Patch != nil {
		t.Errorf("the answer is %+v", r)
	}
	expectCount(t, h.metrics, failed, 1)
}

func TestUntilTheShapeIsKnownPodsAreAllowedWithAWarning(t *testing.T) {
	h := newTestHandler(testLog(t))
	h.injector.settings.Store(nil)
	if r := ask(t, h, question{}); len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "version") {
		t.Errorf("the answer is %+v", r)
	}
}

func TestWarningsFitIntoAHeader(t *testing.T) {
	long := make([]string, 20)
	for i := range long {
		long[i] = "a\nb\x00c\xff" + strings.Repeat("é", 300)
	}
	got := cleanWarnings(long)
	if len(got) != maxWarnings {
		t.Errorf("there are %d", len(got))
	}
	for _, w := range got {
		if len(w) > maxWarning || strings.ContainsAny(w, "\n\x00") || !utf8.ValidString(w) || strings.ContainsRune(w, '\uFFFD') || !strings.HasSuffix(w, "é...") {
			t.Errorf("%q", w)
		}
	}
}

func TestTheBeginningOfAReviewIsEnoughForAnAnswer(t *testing.T) {
	text := question{}.String()
	const need = len(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"705ab4f5-6393-11e8-b7cc-42010a800002"`)
	for n := range len(text) {
		asked, uid, found := parseBeginning([]byte(text[:n]))
		if found != (n >= need) {
			t.Fatalf("%d bytes: found %v", n, found)
		}
		if found && (uid != "705ab4f5-6393-11e8-b7cc-42010a800002" || asked.APIVersion != admissionv1.SchemeGroupVersion.String()) {
			t.Fatalf("%d bytes: %q of %+v", n, uid, asked)
		}
	}
	if need > firstRead {
		t.Errorf("%d bytes are needed", need)
	}
}

// TestMetricsAreAsPrometheusWantsThem compares nothing but the rules for names.
func TestMetricsAreAsPrometheusWantsThem(t *testing.T) {
	registry := prometheus.NewRegistry()
	newMetrics(registry)
	expectNoProblems(t, registry)
}
