package inject

import (
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

func TestANetworkPolicyThatShutsClientsOutIsReported(t *testing.T) {
	const in, out = "NetworkPolicy p allows port 3000 and not 18080",
		"NetworkPolicy p allows port 18080 and not 3000"
	for spec, want := range map[string][2]string{ // of Inject and of Uninject
		"{podSelector: {}, ingress: [{ports: [{port: 3000}]}]}": {in, ""},
		"{podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 53}, {port: " +
			"3000}]}]}": {in, ""},
		"{podSelector: {matchLabels: {app: other}}, ingress: [{ports: [{port: 3000}]}]}": {"", ""},
		"{podSelector: {}, ingress: [{ports: [{port: 3000}, {port: 18080}]}]}":           {"", ""},
		"{podSelector: {}, ingress: [{ports: [{port: 18080}]}]}":                         {"", out},
		"{podSelector: {}, ingress: [{ports: [{port: http}]}]}":                          {"", ""},
		"{podSelector: {}, ingress: [{ports: [{protocol: TCP}]}]}":                       {"", ""},
		"{podSelector: {}, ingress: [{ports: [{port: 3000}, {protocol: UDP}]}]}":         {in, ""},
		"{podSelector: {}, ingress: [{ports: [{port: 1024, endPort: 32767}]}]}":          {"", ""},
		"{podSelector: {}, ingress: [{ports: [{port: 3000, endPort: 3001}]}]}":           {in, ""},
		"{podSelector: {}, ingress: [{ports: [{port: 2000, endPort: 3000}]}]}":           {in, ""},
		"{podSelector: {}, ingress: [{from: []}]}":                                       {"", ""},
		"{podSelector: {}, ingress: []}":                                                 {"", ""},
	} {
		policy := new(networkingv1.NetworkPolicy)
		err := yaml.UnmarshalStrict([]byte("metadata: {name: p}\nspec: "+spec), policy)
		if err != nil {
			t.Fatal(err)
		}
		before := template(t, web)
		after, inject := injected(t, before, defaults())
		uninject, err := Uninject(Workload{Kind: "Deployment", Template: after})
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range []Plan{inject, uninject} {
			got := notes(p.ForPolicies(before.Labels, []*networkingv1.NetworkPolicy{policy}))
			if !strings.Contains(got, want[i]) ||
				want[i] == "" && strings.Contains(got, "NetworkPolicy") {
				t.Errorf("%s: the notes are %s", spec, got)
			}
		}
	}
}

func TestANetworkPolicyStaysRightForARedirectedPort(t *testing.T) {
	policy := new(networkingv1.NetworkPolicy)
	if err := yaml.UnmarshalStrict([]byte("spec: {podSelector: {}, ingress: [{ports: [{port: 3000}]}]}"), policy); err != nil {
		t.Fatal(err)
	}
	before := template(t, web)
	after, inject := injected(t, before, redirecting(Native))
	uninject, err := Uninject(Workload{Kind: "Deployment", Template: after})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []Plan{inject, uninject} {
		got := notes(p.ForPolicies(before.Labels, []*networkingv1.NetworkPolicy{policy}))
		if strings.Contains(got, "NetworkPolicy") {
			t.Errorf("notes %s", got)
		}
	}
}
