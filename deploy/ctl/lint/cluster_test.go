package lint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/rest"
)

// An apiServer answers lists as a real one does, with pages, namespaces and refusals.
type apiServer struct {
	objects map[string][]runtime.Object // by resource
	status  map[string]int              // by resource; otherwise 200
	others  map[string][]map[string]any // policies of other kinds, by group/version/resource
	gate    func(resource string)       // called before an answer to a list
	expired string                      // a resource whose second page has expired
	refused string                      // group/version/resource that may not be listed

	mu       sync.Mutex
	requests []string
}

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	resource := path.Base(r.URL.Path)
	s.mu.Lock()
	s.requests = append(s.requests, r.Method+" "+r.URL.String())
	s.mu.Unlock()
	if s.discover(w, r) {
		return
	}
	if s.gate != nil {
		s.gate(resource)
	}
	first, _ := strconv.Atoi(r.URL.Query().Get("continue"))
	code := s.status[resource]
	if resource == s.expired && first > 0 {
		code = http.StatusGone
	}
	if groupResource(r.URL.Path) == s.refused {
		code = http.StatusForbidden
	}
	if code != 0 {
		s.refuse(w, code, resource)
		return
	}
	if all, is := s.others[groupResource(r.URL.Path)]; is {
		s.listOthers(w, r, all)
		return
	}
	s.list(w, r, resource, first)
}

// refuse answers with an error.
func (s *apiServer) refuse(w http.ResponseWriter, code int, resource string) {
	reasons := map[int]metav1.StatusReason{403: metav1.StatusReasonForbidden,
		401: metav1.StatusReasonUnauthorized, 404: metav1.StatusReasonNotFound,
		410: metav1.StatusReasonExpired, 500: metav1.StatusReasonInternalError}
	answerJSON(w, code, metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status",
		APIVersion: "v1"},
		Status: "Failure", Reason: reasons[code], Code: int32(code), Message: "no " + resource})
}

func (s *apiServer) list(w http.ResponseWriter, r *http.Request, resource string, first int) {
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	all := slices.DeleteFunc(slices.Clone(s.objects[resource]), func(o runtime.Object) bool {
		parts := strings.Split(r.URL.Path, "/namespaces/")
		return len(parts) == 2 && o.(metav1.Object).GetNamespace() != path.Dir(parts[1])
	})
	last, next := len(all), ""
	if limit > 0 && first+limit < len(all) {
		last = first + limit
		next = strconv.Itoa(last)
	}
	page, err := newPage(schema.FromAPIVersionAndKind(apiVersionOf(r.URL.Path),
		kindOf(resource)+"List"),
		all[first:last], next)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", runtime.ContentTypeProtobuf)
	if !strings.Contains(r.Header.Get("Accept"), runtime.ContentTypeProtobuf) {
		panic("the client does not take protobuf")
	}
	w.Write(page)
}

// newPage returns a list as an API server sends it to clients that accept protobuf.
func newPage(kind schema.GroupVersionKind, items []runtime.Object, next string) ([]byte, error) {
	scheme := newScheme()
	list, err := scheme.New(kind)
	if err != nil {
		return nil, err
	}
	if err := meta.SetList(list, items); err != nil {
		return nil, err
	}
	accessor, err := meta.ListAccessor(list)
	if err != nil {
		return nil, err
	}
	accessor.SetContinue(next)
	codecs := serializer.NewCodecFactory(scheme)
	info, _ := runtime.SerializerInfoForMediaType(codecs.SupportedMediaTypes(),
		runtime.ContentTypeProtobuf)
	return runtime.Encode(codecs.EncoderForVersion(info.Serializer, kind.GroupVersion()), list)
}

func apiVersionOf(p string) string {
	parts := strings.Split(strings.Trim(p, "/"), "/")
	if parts[0] == "api" {
		return parts[1]
	}
	return parts[1] + "/" + parts[2]
}

func kindOf(resource string) string {
	for k := range kinds {
		plural := strings.ToLower(k) + "s"
		ies := strings.Replace(plural, "ys", "ies", 1)
		if slices.Contains([]string{plural, ies, strings.ToLower(k) + "es"}, resource) {
			return k
		}
	}
	return "Node"
}

func answerJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(err)
	}
}

func lintCluster(t testing.TB, s *apiServer, namespace string) (*Inventory, error) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	in := NewInventory(Options{})
	return in, in.ReadCluster(t.Context(), &rest.Config{Host: server.URL}, namespace)
}

// shop has n Deployments with a Service, a budget and three pods each, in ten namespaces.
func shop(n int) *apiServer {
	s := &apiServer{objects: make(map[string][]runtime.Object)}
	for i := range n {
		m := metav1.ObjectMeta{Name: fmt.Sprintf("web-%d", i),
			Namespace: fmt.Sprintf("shop-%d", i%10)}
		labels := map[string]string{"app": m.Name}
		selector := &metav1.LabelSelector{MatchLabels: labels}
		replicas, one := int32(3), intstr.FromInt32(1)
		template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{
				Name: "app", Image: "registry.example/app:1",
				Ports: []corev1.ContainerPort{{Name: "http",
					ContainerPort: 8080}}, Env: make([]corev1.EnvVar, 20),
			}}}}
		s.add("deployments", &appsv1.Deployment{ObjectMeta: m,
			Spec: appsv1.DeploymentSpec{Replicas: &replicas, Selector: selector,
				Template: template}})
		s.add("services", &corev1.Service{ObjectMeta: m, Spec: corev1.ServiceSpec{Selector: labels,
			Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromString("http")}}}})
		s.add("poddisruptionbudgets", &policyv1.PodDisruptionBudget{ObjectMeta: m,
			Spec: policyv1.PodDisruptionBudgetSpec{Selector: selector, MaxUnavailable: &one}})
		for j := range 3 {
			yes := true
			s.add("pods", &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s-%d", m.Name, j),
					Namespace: m.Namespace, Labels: labels,
					OwnerReferences: []metav1.OwnerReference{
						{Kind: "ReplicaSet", Name: m.Name, Controller: &yes},
					}},
				Spec: template.Spec, Status: corev1.PodStatus{Phase: corev1.PodRunning},
			})
		}
	}
	return s
}

func (s *apiServer) add(resource string, o runtime.Object) {
	s.objects[resource] = append(s.objects[resource], o)
}

func TestAClusterIsReadPageByPage(t *testing.T) {
	s := shop(pageSize + 1)
	in, err := lintCluster(t, s, "")
	if err != nil {
		t.Fatal(err)
	}
	unprotected := findingsOf(in.Lint(), "unprotected")
	if len(in.workloads) != pageSize+1 || len(in.pods) != 3*(pageSize+1) ||
		len(unprotected) != pageSize+1 {
		t.Errorf("%d workloads, %d pods, %d unprotected", len(in.workloads), len(in.pods),
			len(unprotected))
	}
	f := unprotected[0]
	if f.Object != (Object{"Deployment", "shop-0", "web-0"}) || f.File != "" || f.Line != 0 {
		t.Errorf("finding %+v", f)
	}
}

// OpenShift keeps the ReplicationControllers of earlier rollouts, each with the template that it had.
func TestControllersOfEarlierRolloutsAreNotLinted(t *testing.T) {
	yes, none, two := true, int32(0), int32(2)
	labels := map[string]string{"app": "shop"}
	s := &apiServer{objects: make(map[string][]runtime.Object)}
	for name, replicas := range map[string]*int32{"shop-1": &none, "shop-2": &two} {
		s.add("replicationcontrollers", &corev1.ReplicationController{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop", OwnerReferences: []metav1.OwnerReference{
				{Kind: "DeploymentConfig", Name: "shop", Controller: &yes},
			}},
			Spec: corev1.ReplicationControllerSpec{Replicas: replicas, Selector: labels, Template: &corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{
					{Name: "web", Ports: []corev1.ContainerPort{{ContainerPort: 8080}}},
				}},
			}},
		})
	}
	s.add("services", &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "shop"},
		Spec: corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Port: 8080}}}})
	in, err := lintCluster(t, s, "")
	if err != nil {
		t.Fatal(err)
	}
	found := findingsOf(in.Lint(), "unprotected")
	if len(found) != 1 || found[0].Object.Name != "shop-2" {
		t.Errorf("unprotected are %v, want only the controller of the latest rollout", found)
	}
}

func TestAClusterIsOnlyRead(t *testing.T) {
	s := shop(1)
	if _, err := lintCluster(t, s, ""); err != nil {
		t.Fatal(err)
	}
	for _, r := range s.requests {
		if !strings.HasPrefix(r, "GET ") {
			t.Error(r)
		}
	}
	listing := slices.DeleteFunc(slices.Clone(s.requests), func(r string) bool { return !strings.Contains(r, "limit=") })
	if len(listing) != len(lists) {
		t.Errorf("%d requests for %d lists: %q", len(listing), len(lists), listing)
	}
}

// The server answers no request before all have arrived.
func TestAllListsAreRequestedConcurrently(t *testing.T) {
	s := shop(1)
	var asked atomic.Int32
	allAsked := make(chan struct{}) // closed when all have arrived
	s.gate = func(string) {
		if int(asked.Add(1)) == len(lists) {
			close(allAsked)
		}
		select {
		case <-allAsked:
		case <-t.Context().Done():
		}
	}
	done := make(chan error, 1)
	go func() { _, err := lintCluster(t, s, ""); done <- err }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second): // only a failed test takes that long
		t.Fatal("the lists wait for one another")
	}
}

func TestOneNamespaceCanBeRead(t *testing.T) {
	s := shop(20)
	in, err := lintCluster(t, s, "shop-3")
	if err != nil {
		t.Fatal(err)
	}
	if len(in.workloads) != 2 || len(findingsOf(in.Lint(), "unprotected")) != 2 {
		t.Errorf("%d workloads in a namespace that has two", len(in.workloads))
	}
}

func TestAForbiddenListIsReportedAndTheRestIsRead(t *testing.T) {
	s := shop(1)
	s.status = map[string]int{"poddisruptionbudgets": 403, "nodes": 403,
		"horizontalpodautoscalers": 404}
	in, err := lintCluster(t, s, "")
	if err != nil {
		t.Fatal(err)
	}
	findings := in.Lint()
	reported := findingsOf(findings, "not-checked")
	if len(reported) != 3 || reported[0].Severity != Info {
		t.Fatalf("reported %+v", reported)
	}
	all := fmt.Sprint(reported)
	for _, want := range []string{"poddisruptionbudgets: you are not allowed to list them",
		"no-disruption-budget", "sleep-hook-skipped", "horizontalpodautoscalers: the cluster " +
			"does not have apis/autoscaling/v2"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not reported: %s", want, all)
		}
	}
	if len(findingsOf(findings, "unprotected")) != 1 {
		t.Error("the rest is not read")
	}
	if len(findingsOf(findings, "no-disruption-budget")) != 0 {
		t.Error("a budget that may exist is reported as missing")
	}
}

func TestAClusterThatCannotBeReadIsAnError(t *testing.T) {
	for code, want := range map[int]string{401: "credentials", 500: "list deployments"} {
		s := shop(1)
		s.status = map[string]int{"deployments": code}
		if _, err := lintCluster(t, s, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: error %v, want %q", code, err, want)
		}
	}
}

func TestAClusterThatDoesNotAnswerTimesOut(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := shop(1)
	s.gate = func(string) { cancel() }
	server := httptest.NewServer(s)
	defer server.Close()
	err := NewInventory(Options{}).ReadCluster(ctx, &rest.Config{Host: server.URL}, "")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestAnExpiredListIsRestarted(t *testing.T) {
	s := shop(pageSize + 1)
	s.expired = "deployments"
	in, err := lintCluster(t, s, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(in.workloads) != pageSize+1 {
		t.Errorf("%d workloads, want each once", len(in.workloads))
	}
}

func TestTheOldestKubeletCounts(t *testing.T) {
	s := shop(1)
	for _, v := range []string{"v1.34.4", "v1.29.9-eks-1", "v1.33.0"} {
		s.add("nodes", &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: v},
			Status: corev1.NodeStatus{NodeInfo: corev1.NodeSystemInfo{KubeletVersion: v}}})
	}
	d := s.objects["deployments"][0].(*appsv1.Deployment)
	d.Spec.Template.Spec.Containers[0].Lifecycle = &corev1.Lifecycle{
		PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 5}},
	}
	in, err := lintCluster(t, s, "")
	if err != nil {
		t.Fatal(err)
	}
	found := findingsOf(in.Lint(), "sleep-hook-skipped")
	if len(found) != 1 || !strings.Contains(found[0].Why, "1.29") {
		t.Errorf("found %v", found)
	}
}

func TestWebhooksAreMatchedByNamespaceLabels(t *testing.T) {
	s := shop(0)
	s.add("namespaces", &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: kubeSystem,
		Labels: map[string]string{"control-plane": "true"}}})
	for _, value := range []string{"true", "false"} {
		condition := metav1.LabelSelectorRequirement{Key: "control-plane", Operator: "NotIn",
			Values: []string{value}}
		s.add("mutatingwebhookconfigurations", &admissionv1.MutatingWebhookConfiguration{
			ObjectMeta: metav1.ObjectMeta{Name: value},
			Webhooks: []admissionv1.MutatingWebhook{{
				Name: "a.example.com",
				NamespaceSelector: &metav1.LabelSelector{
					MatchExpressions: []metav1.LabelSelectorRequirement{condition},
				},
				Rules: []admissionv1.RuleWithOperations{{
					Operations: []admissionv1.OperationType{"CREATE"},
					Rule:       admissionv1.Rule{APIGroups: []string{""}, Resources: []string{"pods"}},
				}},
			}},
		})
	}
	in, err := lintCluster(t, s, "")
	if err != nil {
		t.Fatal(err)
	}
	found := findingsOf(in.Lint(), "webhook-for-kube-system")
	if len(found) != 1 || found[0].Object.Name != "false" {
		t.Errorf("found %v", found)
	}
}

func findingsOf(findings []Finding, rule string) []Finding {
	var found []Finding
	for _, f := range findings {
		if f.Rule == rule {
			found = append(found, f)
		}
	}
	return found
}

// BenchmarkACluster lints a cluster of 500 workloads: a Deployment, a Service, a budget and three
// pods each. The aim is 2 s, with the API server in the same process.
func BenchmarkACluster(b *testing.B) {
	s := shop(500)
	for b.Loop() {
		in, err := lintCluster(b, s, "")
		if err != nil {
			b.Fatal(err)
		}
		in.Lint()
	}
}
