package lint

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// The resources of policies in tests.
const (
	ciliumPolicies        = "cilium.io/v2/ciliumnetworkpolicies"
	ciliumClusterPolicies = "cilium.io/v2/ciliumclusterwidenetworkpolicies"
	calicoPolicies        = "projectcalico.org/v3/networkpolicies"
	calicoGlobalPolicies  = "projectcalico.org/v3/globalnetworkpolicies"
	calicoStored          = "crd.projectcalico.org/v1/globalnetworkpolicies"
)

var policyKindOf = map[string]string{
	ciliumPolicies: "CiliumNetworkPolicy", ciliumClusterPolicies: "CiliumClusterwideNetworkPolicy",
	calicoPolicies: "NetworkPolicy", calicoGlobalPolicies: "GlobalNetworkPolicy", calicoStored: "GlobalNetworkPolicy",
}

func isClusterScoped(resource string) bool {
	return resource == ciliumClusterPolicies || path.Base(resource) == "globalnetworkpolicies"
}

// groupResource returns the group/version/resource of the path of a list.
func groupResource(p string) string {
	parts := strings.Split(strings.TrimPrefix(p, "/apis/"), "/")
	return strings.Join(append(parts[:min(2, len(parts))], parts[len(parts)-1]), "/")
}

// discover answers the requests of discovery.
func (s *apiServer) discover(w http.ResponseWriter, r *http.Request) bool {
	group := strings.TrimPrefix(r.URL.Path, "/apis/")
	switch {
	case r.URL.Path == "/api":
		answerJSON(w, http.StatusOK, metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}})
	case r.URL.Path == "/apis":
		if code := s.status["apis"]; code != 0 {
			s.refuse(w, code, "apis")
			return true
		}
		answerJSON(w, http.StatusOK, s.groups())
	case strings.Count(group, "/") == 1 && s.status[group] != 0:
		s.refuse(w, s.status[group], group)
	case strings.Count(group, "/") == 1:
		answerJSON(w, http.StatusOK, s.resourcesOf(group))
	default:
		return false
	}
	return true
}

func (s *apiServer) groups() metav1.APIGroupList {
	list := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
	for _, id := range slices.Sorted(maps.Keys(s.others)) {
		name, version, _ := strings.Cut(path.Dir(id), "/")
		v := metav1.GroupVersionForDiscovery{GroupVersion: name + "/" + version, Version: version}
		known := func(g metav1.APIGroup) bool { return g.Name == name }
		if !slices.ContainsFunc(list.Groups, known) {
			list.Groups = append(list.Groups, metav1.APIGroup{
				Name: name, Versions: []metav1.GroupVersionForDiscovery{v}, PreferredVersion: v,
			})
		}
	}
	return list
}

func (s *apiServer) resourcesOf(group string) metav1.APIResourceList {
	list := metav1.APIResourceList{
		TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: group,
	}
	for id := range s.others {
		if path.Dir(id) == group {
			list.APIResources = append(list.APIResources, metav1.APIResource{
				Name: path.Base(id), Kind: policyKindOf[id], Namespaced: !isClusterScoped(id),
				Verbs: metav1.Verbs{"get", "list", "watch"},
			})
		}
	}
	return list
}

// listOthers answers as for custom resources, which have no protobuf.
func (s *apiServer) listOthers(w http.ResponseWriter, r *http.Request, all []map[string]any) {
	id := groupResource(r.URL.Path)
	items := []map[string]any{}
	for _, o := range all {
		parts := strings.Split(r.URL.Path, "/namespaces/")
		if len(parts) == 1 || o["metadata"].(map[string]any)["namespace"] == path.Dir(parts[1]) {
			items = append(items, o)
		}
	}
	first, _ := strconv.Atoi(r.URL.Query().Get("continue"))
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	next := ""
	if limit > 0 && first+limit < len(items) {
		items, next = items[:first+limit], strconv.Itoa(first+limit)
	}
	answerJSON(w, http.StatusOK, map[string]any{
		"kind": policyKindOf[id] + "List", "apiVersion": path.Dir(id),
		"metadata": map[string]any{"continue": next}, "items": items[first:],
	})
}

// have adds a policy that has port 8080 as a number.
func (s *apiServer) have(id, namespace, name string) {
	if s.others == nil {
		s.others = make(map[string][]map[string]any)
	}
	metadata := map[string]any{"name": name}
	if namespace != "" {
		metadata["namespace"] = namespace
	}
	s.others[id] = append(s.others[id], map[string]any{
		"kind": policyKindOf[id], "apiVersion": path.Dir(id), "metadata": metadata,
		"spec": map[string]any{"ingress": []any{
			map[string]any{"toPorts": []any{map[string]any{"ports": []any{map[string]any{"port": "8080"}}}}},
		}},
	})
}

// protectedShop has a Deployment in the namespace shop whose port 8080 Lameduck relays at 18080.
func protectedShop() *apiServer {
	s := shop(1)
	d := s.objects["deployments"][0].(*appsv1.Deployment)
	d.Namespace = "shop"
	always := corev1.ContainerRestartPolicyAlways
	d.Spec.Template.Spec.InitContainers = []corev1.Container{{
		Name: "lameduck", Image: "r/lameduck:1", RestartPolicy: &always,
		Env: []corev1.EnvVar{{Name: "LAMEDUCK_ROUTES", Value: "18080=8080"}},
	}}
	return s
}

// shutOutBy returns the policies that the findings name.
func shutOutBy(findings []Finding) (names []string) {
	for _, f := range findingsOf(findings, "network-policy-shuts-out") {
		kind, rest, _ := strings.Cut(f.Why, " ")
		name, _, _ := strings.Cut(rest, " ")
		names = append(names, kind+" "+name)
	}
	slices.Sort(names)
	return names
}

func TestTheClustersPoliciesOfOtherKindsAreRead(t *testing.T) {
	for name, test := range map[string]struct {
		namespace string
		prepare   func(*apiServer)
		want      []string
	}{
		"no such kind": {"", func(*apiServer) {}, nil},
		"all of Cilium and Calico": {"", func(s *apiServer) {
			s.have(ciliumPolicies, "shop", "a")
			s.have(ciliumClusterPolicies, "", "b")
			s.have(calicoPolicies, "shop", "c")
			s.have(calicoGlobalPolicies, "", "d")
		}, []string{
			"CiliumClusterwideNetworkPolicy b", "CiliumNetworkPolicy a", "GlobalNetworkPolicy d", "NetworkPolicy c",
		}},
		"those of one namespace and of the cluster": {"shop", func(s *apiServer) {
			s.have(ciliumPolicies, "shop", "a")
			s.have(ciliumPolicies, "till", "a-till")
			s.have(ciliumClusterPolicies, "", "b")
			s.status = map[string]int{"till": 403}
		}, []string{"CiliumClusterwideNetworkPolicy b", "CiliumNetworkPolicy a"}},
		"Calico without its API server": {"", func(s *apiServer) { s.have(calicoStored, "", "default.d") },
			[]string{"GlobalNetworkPolicy default.d"}},
		"Calico with its API server, once": {"", func(s *apiServer) {
			s.have(calicoStored, "", "default.d")
			s.have(calicoGlobalPolicies, "", "d")
		}, []string{"GlobalNetworkPolicy d"}},
		"page by page": {"", func(s *apiServer) {
			for range pageSize {
				s.have(ciliumPolicies, "till", "other")
			}
			s.have(ciliumPolicies, "shop", "last")
		}, []string{"CiliumNetworkPolicy last"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := protectedShop()
			test.prepare(s)
			in, err := lintCluster(t, s, test.namespace)
			if err != nil {
				t.Fatal(err)
			}
			findings := in.Lint()
			if got := shutOutBy(findings); !slices.Equal(got, test.want) {
				t.Errorf("shut out by %q, want %q", got, test.want)
			}
			if unread := findingsOf(findings, "not-checked"); len(unread) > 0 {
				t.Errorf("not checked: %v", unread)
			}
		})
	}
}

func TestPoliciesThatCannotBeListedAreReported(t *testing.T) {
	const allowed = "GlobalNetworkPolicy d"
	for name, test := range map[string]struct {
		status map[string]int
		want   []string
		names  []string // policies that are found all the same
	}{
		"no right to list one kind": {map[string]int{"ciliumnetworkpolicies": 403}, []string{
			"ciliumnetworkpolicies.cilium.io: you are not allowed to list them",
			"network-policy-shuts-out", "ciliumnetworkpolicies of the API group cilium.io",
		}, []string{allowed}},
		"a kind that does not answer": {map[string]int{"ciliumnetworkpolicies": 500},
			[]string{"ciliumnetworkpolicies.cilium.io: they cannot be listed", "repair the API service of cilium.io"},
			[]string{allowed}},
		"a kind that was removed": {map[string]int{"ciliumnetworkpolicies": 404}, nil, []string{allowed}},
		"an API group that does not answer": {map[string]int{"cilium.io/v2": 503},
			[]string{"not all known", "cilium.io/v2", "repair the API service"}, []string{allowed}},
		"no right to discover": {map[string]int{"apis": 403},
			[]string{"not all known", "system:discovery", "network-policy-shuts-out"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := protectedShop()
			s.have(ciliumPolicies, "shop", "a")
			s.have(calicoGlobalPolicies, "", "d")
			s.status = test.status
			in, err := lintCluster(t, s, "")
			if err != nil {
				t.Fatal(err)
			}
			findings := in.Lint()
			unread := findingsOf(findings, "not-checked")
			if len(unread) != min(1, len(test.want)) {
				t.Errorf("not checked: %v", unread)
			}
			for _, want := range test.want {
				if !strings.Contains(fmt.Sprint(unread), want) {
					t.Errorf("%q is not reported: %v", want, unread)
				}
			}
			if got := shutOutBy(findings); !slices.Equal(got, test.names) {
				t.Errorf("shut out by %q, want %q", got, test.names)
			}
		})
	}
}

// Calico's API server requires rights of its own. The resources in which it stores policies are
// enough.
func TestWhereCalicosAPIServerRefusesItsStorageIsRead(t *testing.T) {
	s := protectedShop()
	s.have(calicoStored, "", "default.d")
	s.others[calicoGlobalPolicies] = nil
	s.refused = calicoGlobalPolicies
	in, err := lintCluster(t, s, "")
	if err != nil {
		t.Fatal(err)
	}
	findings := in.Lint()
	if got := shutOutBy(findings); !slices.Equal(got, []string{"GlobalNetworkPolicy default.d"}) {
		t.Errorf("shut out by %q, want the stored policy", got)
	}
	if unread := findingsOf(findings, "not-checked"); len(unread) > 0 {
		t.Errorf("not checked: %v", unread)
	}
}

func TestWithoutValidCredentialsNoPolicyIsRead(t *testing.T) {
	for _, what := range []string{"apis", "ciliumnetworkpolicies"} {
		s := protectedShop()
		s.have(ciliumPolicies, "shop", "a")
		s.status = map[string]int{what: 401}
		if _, err := lintCluster(t, s, ""); err == nil || !strings.Contains(err.Error(), "credentials") {
			t.Errorf("%s: error %v, want one about the credentials", what, err)
		}
	}
}

func TestDiscoveryEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Base(r.URL.Path) == "apis" {
			cancel()
			<-r.Context().Done() // the request is ended, and not answered
			return
		}
		http.NotFound(w, r)
	}))
	defer server.Close()
	if err := NewInventory(Options{}).ReadCluster(ctx, &rest.Config{Host: server.URL}, ""); err == nil {
		t.Error("no error, want that of the context")
	}
}
