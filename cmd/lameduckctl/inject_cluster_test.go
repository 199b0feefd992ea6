package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"lameduck/deploy/deploytest"
)

const forbidden = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403}`

// list returns a list of objects of one kind, each with its metadata and spec.
func list(apiVersion, kind string, objects ...string) string {
	return fmt.Sprintf(`{"apiVersion":%q,"kind":"%sList","metadata":{},"items":[%s]}`, apiVersion, kind,
		strings.Join(objects, ","))
}

// clusterOf runs an API server that answers requests for some paths, with or without their query,
// and forbids others. It returns a kubeconfig with the context prod and its namespace shop.
func clusterOf(t *testing.T, answers map[string]string) (kubeconfig string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			t.Errorf("it asks for %s %s", r.Method, r.URL)
		}
		w.Header().Set("Content-Type", "application/json")
		answer, is := answers[r.URL.RequestURI()]
		if !is {
			answer, is = answers[r.URL.Path]
		}
		if !is {
			w.WriteHeader(http.StatusForbidden)
			answer = forbidden
		}
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(server.Close)
	kubeconfig = filepath.Join(t.TempDir(), "config")
	deploytest.WriteFile(t, kubeconfig, `{apiVersion: v1, kind: Config, current-context: prod,
clusters: [{name: c, cluster: {server: "`+server.URL+`"}}], users: [{name: u, user: {}}],
contexts: [{name: prod, context: {cluster: c, user: u, namespace: shop}}]}`)
	return kubeconfig
}

// shop returns the answers of a cluster in which each reference to the port of the app is by name.
func shop() map[string]string {
	const v1, networking = "/api/v1/namespaces/shop", "/apis/networking.k8s.io/v1"
	return map[string]string{
		"/version": `{"gitVersion":"v1.34.0"}`,
		"/api":     `{"kind":"APIVersions","versions":["v1"]}`,
		"/apis":    `{"kind":"APIGroupList","apiVersion":"v1","groups":[]}`,
		v1:         `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}}`,
		v1 + "/services": list("v1", "Service", `{"metadata":{"name":"web","namespace":"shop"},
			"spec":{"selector":{"app":"web"},"ports":[{"port":80,"targetPort":"http"}]}}`),
		v1 + "/limitranges": list("v1", "LimitRange", `{"metadata":{"name":"l","namespace":"shop"},
			"spec":{"limits":[{"type":"Container","max":{"memory":"100Mi"}}]}}`),
		v1 + "/resourcequotas":          list("v1", "ResourceQuota"),
		networking + "/networkpolicies": list("networking.k8s.io/v1", "NetworkPolicy"),
		networking + "/namespaces/shop/ingresses": list("networking.k8s.io/v1", "Ingress", `{"metadata":{
			"name":"web","namespace":"shop","annotations":{"nginx.ingress.kubernetes.io/affinity":"cookie"}},
			"spec":{"defaultBackend":{"service":{"name":"web"}}}}`),
	}
}

// withCilium adds a policy of Cilium that has the number of the app's port.
func withCilium(answers map[string]string) {
	const group = "/apis/cilium.io/v2"
	answers["/apis"] = `{"kind":"APIGroupList","apiVersion":"v1","groups":[{"name":"cilium.io","versions":[
		{"groupVersion":"cilium.io/v2","version":"v2"}],"preferredVersion":{"groupVersion":"cilium.io/v2","version":"v2"}}]}`
	answers[group] = `{"kind":"APIResourceList","groupVersion":"cilium.io/v2","resources":[{"name":
		"ciliumnetworkpolicies","kind":"CiliumNetworkPolicy","namespaced":true,"verbs":["list","watch"]}]}`
	answers[group+"/ciliumnetworkpolicies"] = list("cilium.io/v2", "CiliumNetworkPolicy", `{"apiVersion":"cilium.io/v2",
		"kind":"CiliumNetworkPolicy","metadata":{"name":"c","namespace":"shop"},"spec":{"endpointSelector":{},
		"ingress":[{"toPorts":[{"ports":[{"port":"3000"}]}]}]}}`)
}

func TestInjectReadsTheClusterOfTheContext(t *testing.T) {
	t.Parallel()
	const byNumber = "---\napiVersion: v1\nkind: Service\nmetadata: { name: web }\n" +
		"spec: { selector: { app: web }, ports: [{ port: 80, targetPort: 3000 }] }\n"
	for name, tc := range map[string]struct {
		change func(answers map[string]string)
		more   string // manifests
		want   string
	}{
		"by name": {nil, "", "mode move: every Service"},
		"by a number in the manifests": {nil, byNumber,
			"mode observe: Service web has targetPort 3000, a number; "},
		"by name in another namespace of the manifests": {nil,
			strings.Replace(byNumber, "{ name: web }", "{ name: web, namespace: till }", 1), "mode move: every Service"},
		"a policy of Cilium": {withCilium, "", "mode observe: CiliumNetworkPolicy c has port 3000 as a number"},
		"no right to list Services": {
			func(answers map[string]string) { delete(answers, "/api/v1/namespaces/shop/services") }, "",
			"mode observe: Services are unknown, as you may not read them",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers := shop()
			if tc.change != nil {
				tc.change(answers)
			}
			stdout, stderr, code := ctl(t, head+labelled+podSpec+tc.more, "inject", "-f", "-", "--image", "r/lameduck:1",
				"--kubeconfig", clusterOf(t, answers), "--context", "prod")
			if code != exitOK || !strings.Contains(stderr, tc.want) {
				t.Errorf("exit code %d: %s", code, stderr)
			}
			if !strings.Contains(stdout, "memory: 100Mi") {
				t.Errorf("the LimitRange of the cluster does not count: %s", stdout)
			}
			if sticky := strings.Contains(stdout, "LAMEDUCK_UNREADY_AFTER"); sticky != (name != "no right to list Services") {
				t.Errorf("sticky: %v in %s", sticky, stdout)
			}
		})
	}
}

func TestInjectReadsTheNamespaceOfItsFlag(t *testing.T) {
	t.Parallel()
	config := clusterOf(t, shop())
	_, stderr, code := ctl(t, head+labelled+podSpec, "inject", "-f", "-", "--image", "r/lameduck:1", "--kubeconfig", config,
		"--context", "prod", "--namespace", "till") // it is forbidden
	if code != exitOK || !strings.Contains(stderr, "Services are unknown") ||
		!strings.Contains(stderr, "context prod: LimitRanges are unknown") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	_, stderr, code = ctl(t, head+labelled+podSpec, "inject", "-f", "-", "--namespace", "till")
	if code != exitError || !strings.Contains(stderr, "--namespace: needs --context") {
		t.Errorf("without a cluster: exit code %d: %s", code, stderr)
	}
}
