package mode

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

// read decodes YAML as strictly as the API server does.
func read[T any](t *testing.T, text string) *T {
	t.Helper()
	into := new(T)
	if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return into
}

// pod returns a pod of app: web with a port http of number 8080.
func pod(t *testing.T, more string) Pod {
	t.Helper()
	return Pod{
		Template: read[corev1.PodTemplateSpec](t, "metadata:\n  labels: { app: web, tier: front }\n"+more),
		Ports:    []Port{{8080, "http"}}, Asked: Auto, Has: []Mode{Observe, Move},
	}
}

// around returns a namespace with a Service that uses the name of the port, and more objects.
func around(t *testing.T, more ...any) *Around {
	t.Helper()
	a := &Around{Namespace: "shop", Services: []*corev1.Service{service(t, "{ port: 80, targetPort: http }")}}
	for _, o := range more {
		switch o := o.(type) {
		case *corev1.Service:
			a.Services = append(a.Services, o)
		case *networkingv1.NetworkPolicy:
			a.Policies = append(a.Policies, o)
		case Policy:
			a.Others = append(a.Others, o)
		}
	}
	return a
}

func service(t *testing.T, ports string) *corev1.Service {
	t.Helper()
	return read[corev1.Service](t, "metadata: { name: web }\nspec: { selector: { app: web }, ports: ["+ports+"] }")
}

func policy(t *testing.T, namespace, spec string) *networkingv1.NetworkPolicy {
	t.Helper()
	return read[networkingv1.NetworkPolicy](t,
		"metadata: { name: p, namespace: "+namespace+" }\nspec: "+spec)
}

func other(t *testing.T, kind, namespace, spec string) Policy {
	t.Helper()
	return NewPolicy(kind, namespace, "p", *read[map[string]any](t, spec))
}

// TestAPortMovesOnlyIfEveryReferenceIsByName has a change of a namespace in which the port moves.
func TestAPortMovesOnlyIfEveryReferenceIsByName(t *testing.T) {
	for name, tc := range map[string]struct {
		more any    // an object of the namespace
		want string // reason to observe; empty if the port moves
	}{
		"nothing else": {nil, ""},
		"a Service with the number": {service(t, "{ port: 80, targetPort: 8080 }"),
			"Service web has targetPort 8080, a number"},
		"a Service without targetPort": {service(t, "{ port: 8080 }"),
			"Service web has no targetPort, which means the number 8080"},
		"a Service with another number":    {service(t, "{ port: 80, targetPort: 9100 }"), ""},
		"a Service with the number of UDP": {service(t, "{ port: 8080, protocol: UDP }"), ""},
		"a headless Service": {read[corev1.Service](t, "metadata: { name: h }\nspec: { clusterIP: None, "+
			"selector: { app: web }, ports: [{ port: 80, targetPort: http }] }"), "Service h is headless"},
		"a headless Service without ports": {read[corev1.Service](t, "metadata: { name: h }\nspec: { "+
			"clusterIP: None, selector: { app: web } }"), "Service h is headless"},
		"a Service of other pods": {read[corev1.Service](t, "metadata: { name: h }\nspec: { "+
			"selector: { app: other }, ports: [{ port: 80, targetPort: 8080 }] }"), ""},
		"a Service of one pod of a StatefulSet": {read[corev1.Service](t, "metadata: { name: one }\nspec: { selector: { app: web, "+
			"statefulset.kubernetes.io/pod-name: web-0 }, ports: [{ port: 80, targetPort: 8080 }] }"),
			"Service one has targetPort 8080, a number"},
		"a Service of one pod by its name alone": {read[corev1.Service](t, "metadata: { name: one }\nspec: { selector: { "+
			"statefulset.kubernetes.io/pod-name: web-0 }, ports: [{ port: 80, targetPort: 8080 }] }"),
			"Service one has targetPort 8080, a number"},
		"a Service of pods that the app labels": {read[corev1.Service](t, "metadata: { name: active }\nspec: { selector: { "+
			"app: web, role: primary }, ports: [{ port: 80, targetPort: 8080 }] }"),
			"Service active has targetPort 8080, a number"},
		"a Service of pods that the app labels, by name": {read[corev1.Service](t, "metadata: { name: active }\nspec: { "+
			"selector: { app: web, role: primary }, ports: [{ port: 80, targetPort: http }] }"), ""},
		"a Service of pods without a common label": {read[corev1.Service](t, "metadata: { name: h }\nspec: { selector: { "+
			"role: primary }, ports: [{ port: 80, targetPort: 8080 }] }"), ""},
		"a Service without selector": {read[corev1.Service](t, "metadata: { name: h }\nspec: { "+
			"ports: [{ port: 80, targetPort: 8080 }] }"), ""},
		"Linkerd's annotation of a Service": {read[corev1.Service](t, "metadata: { name: o, annotations: { "+
			"config.linkerd.io/opaque-ports: '25,8080' } }\nspec: { selector: { app: web }, ports: [{ port: 80, "+
			"targetPort: http }] }"), "annotation config.linkerd.io/opaque-ports of Service o has port 8080"},

		"a policy by name":         {policy(t, "shop", "{ podSelector: {}, ingress: [{ ports: [{ port: http }] }] }"), ""},
		"a policy that allows all": {policy(t, "shop", "{ podSelector: {}, ingress: [{}] }"), ""},
		"a policy by number": {policy(t, "shop", "{ podSelector: { matchLabels: { app: web } }, ingress: "+
			"[{ ports: [{ port: http }] }, { ports: [{ port: 9100 }, { port: 8080 }] }] }"),
			"NetworkPolicy p has port 8080 as a number"},
		"a policy by range": {policy(t, "shop", "{ podSelector: {}, ingress: [{ ports: [{ port: 8000, "+
			"endPort: 8080 }] }] }"), "NetworkPolicy p has port 8080"},
		"a policy by a range beside it": {policy(t, "shop", "{ podSelector: {}, ingress: [{ ports: [{ "+
			"port: 8081, endPort: 9000 }] }] }"), ""},
		"a policy for UDP": {policy(t, "shop", "{ podSelector: {}, ingress: [{ ports: [{ port: 8080, "+
			"protocol: UDP }] }] }"), ""},
		"a policy of other pods": {policy(t, "shop", "{ podSelector: { matchLabels: { app: db } }, ingress: "+
			"[{ ports: [{ port: 8080 }] }] }"), ""},
		"a policy of pods that the app labels": {policy(t, "shop", "{ podSelector: { matchLabels: { app: web }, "+
			"matchExpressions: [{ key: role, operator: In, values: [primary] }] }, ingress: [{ ports: [{ port: 8080 }] }] }"),
			"NetworkPolicy p has port 8080"},
		"egress to pods that the app labels": {policy(t, "shop", "{ podSelector: {}, egress: [{ to: [{ podSelector: { "+
			"matchLabels: { app: web, role: primary } } }], ports: [{ port: 8080 }] }] }"), "NetworkPolicy p has port 8080"},
		"Cilium of pods that the app labels": {other(t, "CiliumNetworkPolicy", "shop", "spec: { endpointSelector: { "+
			"matchLabels: { 'k8s:app': web, role: primary } }, ingress: [{ toPorts: [{ ports: [{ port: '8080' }] }] }] }"),
			"CiliumNetworkPolicy p has port 8080"},
		"a policy of another namespace": {policy(t, "bank", "{ podSelector: {}, ingress: [{ ports: [{ "+
			"port: 8080 }] }] }"), ""},
		"egress to all": {policy(t, "bank", "{ podSelector: {}, policyTypes: [Egress], egress: [{ ports: [{ "+
			"port: 8080 }] }] }"), "NetworkPolicy p has port 8080"},
		"egress to the pods": {policy(t, "shop", "{ podSelector: {}, egress: [{ to: [{ podSelector: { "+
			"matchLabels: { app: web } } }], ports: [{ port: 8080 }] }] }"), "NetworkPolicy p has port 8080"},
		"egress to other pods": {policy(t, "shop", "{ podSelector: {}, egress: [{ to: [{ podSelector: { "+
			"matchLabels: { app: db } } }], ports: [{ port: 8080 }] }] }"), ""},
		"egress to pods of another namespace": {policy(t, "bank", "{ podSelector: {}, egress: [{ to: [{ "+
			"podSelector: {} }], ports: [{ port: 8080 }] }] }"), ""},
		"egress to a namespace": {policy(t, "bank", "{ podSelector: {}, egress: [{ to: [{ "+
			"namespaceSelector: { matchLabels: { team: a } } }], ports: [{ port: 8080 }] }] }"),
			"NetworkPolicy p has port 8080"},
		"egress to addresses": {policy(t, "bank", "{ podSelector: {}, egress: [{ to: [{ ipBlock: { "+
			"cidr: 10.0.0.0/8 } }], ports: [{ port: 8080 }] }] }"), "NetworkPolicy p has port 8080"},

		"Cilium by number": {other(t, "CiliumNetworkPolicy", "shop", "spec: { endpointSelector: { "+
			"matchLabels: { 'k8s:app': web } }, ingress: [{ toPorts: [{ ports: [{ port: '8080' }] }] }] }"),
			"CiliumNetworkPolicy p has port 8080"},
		"Cilium by range": {other(t, "CiliumNetworkPolicy", "shop", "spec: { endpointSelector: {}, "+
			"ingress: [{ toPorts: [{ ports: [{ port: '8000', endPort: 8100 }] }] }] }"),
			"CiliumNetworkPolicy p has port 8080"},
		"Cilium by name": {other(t, "CiliumNetworkPolicy", "shop", "spec: { endpointSelector: {}, "+
			"ingress: [{ toPorts: [{ ports: [{ port: http }] }] }] }"), ""},
		"Cilium of other pods": {other(t, "CiliumNetworkPolicy", "shop", "spec: { endpointSelector: { "+
			"matchLabels: { 'k8s:app': db } }, ingress: [{ toPorts: [{ ports: [{ port: '8080' }] }] }] }"), ""},
		"Cilium of a namespace's pods": {other(t, "CiliumClusterwideNetworkPolicy", "", "spec: { "+
			"endpointSelector: { matchLabels: { 'k8s:io.kubernetes.pod.namespace': shop } }, ingress: [{ "+
			"toPorts: [{ ports: [{ port: '8080' }] }] }] }"), "CiliumClusterwideNetworkPolicy p has port 8080"},
		"a list of Cilium's": {other(t, "CiliumNetworkPolicy", "shop", "specs: [{ endpointSelector: {}, "+
			"ingress: [{ toPorts: [{ ports: [{ port: '8080' }] }] }] }]"), "CiliumNetworkPolicy p has port 8080"},
		"Cilium elsewhere, incoming": {other(t, "CiliumNetworkPolicy", "bank", "spec: { endpointSelector: {}, "+
			"ingress: [{ toPorts: [{ ports: [{ port: '8080' }] }] }] }"), ""},
		"Cilium elsewhere, outgoing": {other(t, "CiliumNetworkPolicy", "bank", "spec: { endpointSelector: {}, "+
			"egress: [{ toPorts: [{ ports: [{ port: '8080' }] }] }] }"), "CiliumNetworkPolicy p has port 8080"},
		"Calico by number": {other(t, "NetworkPolicy", "shop", "spec: { selector: app == 'web', ingress: [{ "+
			"action: Allow, destination: { ports: [8080] } }] }"), "NetworkPolicy p has port 8080"},
		"Calico by range": {other(t, "GlobalNetworkPolicy", "", "spec: { selector: all(), ingress: [{ "+
			"action: Deny, destination: { notPorts: ['8000:8100'] } }] }"), "GlobalNetworkPolicy p has port 8080"},
		"an administrator's by range": {other(t, "AdminNetworkPolicy", "", "spec: { ingress: [{ ports: [{ "+
			"portRange: { start: 8000, end: 9000 } }] }] }"), "AdminNetworkPolicy p has port 8080"},
		"an administrator's by name": {other(t, "AdminNetworkPolicy", "", "spec: { ingress: [{ ports: [{ "+
			"namedPort: http }] }] }"), ""},
		"Linkerd's Server": {other(t, "Server", "shop", "spec: { podSelector: { matchLabels: { app: web } }, "+
			"port: 8080 }"), "Server p has port 8080"},
		"Linkerd's Server by name": {other(t, "Server", "shop", "spec: { podSelector: {}, port: http }"), ""},
		"Istio's authorization": {other(t, "AuthorizationPolicy", "shop", "spec: { rules: [{ to: [{ "+
			"operation: { ports: ['8080'] } }] }] }"), "AuthorizationPolicy p has port 8080"},
		"Istio's authorization by a condition": {other(t, "AuthorizationPolicy", "shop", "spec: { rules: [{ when: [{ "+
			"key: destination.port, values: ['8080'] }] }] }"), "AuthorizationPolicy p has port 8080"},
		"Istio's authorization by another condition": {other(t, "AuthorizationPolicy", "shop", "spec: { rules: [{ "+
			"when: [{ key: 'request.headers[x]', values: ['8080'] }] }] }"), ""},
		"Antrea by number": {other(t, "NetworkPolicy", "shop", "spec: { appliedTo: [{ podSelector: { matchLabels: { "+
			"app: web } } }], ingress: [{ action: Allow, ports: [{ protocol: TCP, port: 8080 }] }] }"),
			"NetworkPolicy p has port 8080"},
		"security groups of AWS": {other(t, "SecurityGroupPolicy", "shop", "spec: { podSelector: { matchLabels: { "+
			"app: web } }, securityGroups: { groupIds: [sg-1] } }"), "SecurityGroupPolicy p gives the pods security groups"},
		"security groups of other pods": {other(t, "SecurityGroupPolicy", "shop", "spec: { podSelector: { matchLabels: { "+
			"app: db } }, securityGroups: { groupIds: [sg-1] } }"), ""},
		"a policy without a namespace": {policy(t, "''", "{ podSelector: {}, ingress: [{ ports: [{ port: 8080 }] }] }"),
			"NetworkPolicy p has port 8080"},
		"egress without a namespace": {policy(t, "''", "{ podSelector: {}, egress: [{ to: [{ podSelector: {} }], "+
			"ports: [{ port: 8080 }] }] }"), "NetworkPolicy p has port 8080"},
		"a name of something outside": {read[corev1.Service](t, "metadata: { name: h }\nspec: { type: ExternalName, "+
			"externalName: a.example, selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }"), ""},
		"Istio's mTLS": {other(t, "PeerAuthentication", "shop", "spec: { portLevelMtls: { 8080: { mode: "+
			"DISABLE } } }"), "PeerAuthentication p has port 8080"},
		"Istio's Sidecar of other pods": {other(t, "Sidecar", "shop", "spec: { workloadSelector: { labels: { "+
			"app: db } }, ingress: [{ port: { number: 8080 } }] }"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Choose(pod(t, ""), around(t, tc.more))
			if err != nil {
				t.Fatal(err)
			}
			if tc.want == "" && got.Mode != Move {
				t.Errorf("got %s, want move", got)
			}
			if tc.want != "" && (got.Mode != Observe || !strings.HasPrefix(got.Reason, tc.want)) {
				t.Errorf("got %s, want observe: %s", got, tc.want)
			}
		})
	}
}

func TestWhatIsUnknownCountsAsANumber(t *testing.T) {
	for name, a := range map[string]*Around{
		"nothing is known": nil, "the cluster does not answer": {Unknown: "Services are unknown"},
		"no Service": {}, "no Service by name": {Services: []*corev1.Service{service(t, "{ port: 80, "+
			"targetPort: 9100 }")}},
	} {
		if got, err := Choose(pod(t, ""), a); err != nil || got.Mode != Observe || got.Reason == "" {
			t.Errorf("%s: %s, error %v", name, got, err)
		}
	}
}

func TestMeshAnnotationsWithNumbersKeepThePort(t *testing.T) {
	for annotation, moves := range map[string]bool{
		"config.linkerd.io/opaque-ports: '8080'":                         false,
		"config.linkerd.io/skip-inbound-ports: '1000-9000'":              false,
		"traffic.sidecar.istio.io/includeInboundPorts: '80, 8080'":       false,
		"traffic.sidecar.istio.io/includeInboundPorts: '*'":              true,
		"config.linkerd.io/opaque-ports: http":                           true,
		"config.linkerd.io/opaque-ports: '80,81'":                        true,
		"prometheus.io/port: '8080'":                                     true,
		"traffic.sidecar.istio.io/excludeOutboundIPRanges: 8080.0.0.0/8": true,
	} {
		p := pod(t, "")
		p.Template.Annotations = *read[map[string]string](t, annotation)
		got, err := Choose(p, around(t))
		if err != nil || (got.Mode == Move) != moves {
			t.Errorf("%s: got %s, error %v", annotation, got, err)
		}
		a := around(t)
		a.Annotations = p.Template.Annotations
		p.Template.Annotations = nil
		if got, _ := Choose(p, a); (got.Mode == Move) != moves {
			t.Errorf("%s of the namespace: got %s", annotation, got)
		}
	}
}

func TestRedirectIsNeverGuessed(t *testing.T) {
	for name, tc := range map[string]struct {
		labels map[string]string // of the namespace
		pod    string
		want   Mode
		more   string
	}{
		"allowed":       {map[string]string{RedirectLabel: Allowed}, "", Redirect, ""},
		"no label":      {map[string]string{}, "", Observe, "label lameduck.dev/redirect=allowed"},
		"unknown":       {nil, "", Observe, "label lameduck.dev/redirect=allowed"},
		"another value": {map[string]string{RedirectLabel: "yes"}, "", Observe, "label lameduck.dev/redirect=allowed"},
		"refused":       {map[string]string{RedirectLabel: Refused}, "", Observe, "has the label lameduck.dev/redirect=refused"},
		"baseline": {map[string]string{RedirectLabel: Allowed, enforceLabel: "baseline"}, "", Observe,
			"enforces the Pod Security level baseline"},
		"restricted": {map[string]string{RedirectLabel: Allowed, enforceLabel: "restricted"}, "", Observe,
			"enforces the Pod Security level restricted"},
		"privileged": {map[string]string{RedirectLabel: Allowed, enforceLabel: "privileged"}, "", Redirect, ""},
		"a mesh": {map[string]string{RedirectLabel: Allowed}, "  annotations: { linkerd.io/inject: enabled }",
			Observe, "do without Linkerd"},
		"no mesh": {map[string]string{RedirectLabel: Allowed}, "  annotations: { linkerd.io/inject: disabled }",
			Redirect, ""},
	} {
		p := pod(t, tc.pod)
		p.Has = []Mode{Observe, Move, Redirect}
		a := around(t, service(t, "{ port: 8080 }"))
		a.Labels = tc.labels
		got, err := Choose(p, a)
		if err != nil || got.Mode != tc.want || !strings.Contains(got.More, tc.more) {
			t.Errorf("%s: got %s, error %v", name, got, err)
		}
		if p.Has = []Mode{Observe, Move}; got.Mode == Redirect {
			if got, _ := Choose(p, a); got.Mode != Observe || strings.Contains(got.More, "redirect") {
				t.Errorf("%s, without redirect: got %s", name, got)
			}
		}
	}
}

func TestRedirectMayBeAllowedInAllNamespaces(t *testing.T) {
	for name, tc := range map[string]struct {
		labels map[string]string // of the namespace
		want   Mode
	}{
		"no label":      {map[string]string{"a": "b"}, Redirect},
		"unknown":       {nil, Observe},
		"allowed":       {map[string]string{RedirectLabel: Allowed}, Redirect},
		"refused":       {map[string]string{RedirectLabel: Refused}, Observe},
		"another value": {map[string]string{RedirectLabel: "no"}, Observe},
		"baseline":      {map[string]string{enforceLabel: "baseline"}, Observe},
		"restricted":    {map[string]string{enforceLabel: "restricted"}, Observe},
		"privileged":    {map[string]string{enforceLabel: "privileged"}, Redirect},
	} {
		p := pod(t, "")
		p.Has = []Mode{Observe, Move, Redirect}
		a := around(t, service(t, "{ port: 8080 }"))
		a.Labels, a.AllowRedirect = tc.labels, true
		if got, err := Choose(p, a); err != nil || got.Mode != tc.want {
			t.Errorf("%s: got %s, error %v, want %s", name, got, err, tc.want)
		}
	}
}

// A pod that the API server refuses is an outage, even if its mode was explicit.
func TestRedirectThatTheAPIServerRefusesBecomesObserve(t *testing.T) {
	for level, want := range map[string]Mode{
		"restricted": Observe, "baseline": Observe, "privileged": Redirect, "": Redirect,
		Refused: Observe,
	} {
		p := pod(t, "  annotations: { lameduck.dev/mode: redirect }")
		p.Has, p.Asked = []Mode{Observe, Move, Redirect}, Redirect
		a := around(t, service(t, "{ port: 8080 }"))
		a.Labels = map[string]string{enforceLabel: level}
		if level == Refused {
			a.Labels = map[string]string{RedirectLabel: level}
		}
		got, err := Choose(p, a)
		if err != nil || got.Mode != want || !strings.Contains(got.Reason, "annotation lameduck.dev/mode") {
			t.Errorf("%q: got %s, error %v", level, got, err)
		}
		if want == Observe && !strings.Contains(got.Reason, level) {
			t.Errorf("%q: the reason %q does not name the level", level, got.Reason)
		}
	}
}

func TestTheWrapperTakesOver(t *testing.T) {
	p := pod(t, "")
	p.Wrapper = true
	if got, err := Choose(p, around(t)); err != nil || got.Mode != Move {
		t.Errorf("without takeover: got %s, error %v", got, err)
	}
	p.Has = append(p.Has, Takeover)
	if got, err := Choose(p, nil); err != nil || got.Mode != Takeover {
		t.Errorf("got %s, error %v", got, err)
	}
	p.Wrapper = false
	if got, err := Choose(p, nil); err != nil || got.Mode != Observe || !strings.Contains(got.More, "shape wrapper") {
		t.Errorf("without the shape: got %s, error %v", got, err)
	}
}

func TestAPinIsFollowed(t *testing.T) {
	pinned := func(mode string) *Around {
		a := around(t)
		a.Annotations = map[string]string{Annotation: mode}
		return a
	}
	p := pod(t, "")
	for pin, want := range map[string]Mode{"observe": Observe, "move": Move, "auto": Move, "mov": Observe} {
		if got, err := Choose(p, pinned(pin)); err != nil || got.Mode != want {
			t.Errorf("pin %s: got %s, error %v", pin, got, err)
		}
	}
	p.Template.Annotations = map[string]string{Annotation: "move"}
	p.Asked = Move
	if got, err := Choose(p, pinned("observe")); err != nil || got.Mode != Move {
		t.Errorf("the pod's annotation: got %s, error %v", got, err)
	}
}

func TestAModeThatAPodCannotHaveIsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		asked Mode
		pod   string
		has   []Mode
		want  string
	}{
		"auto with hostNetwork":      {Auto, "spec: { hostNetwork: true }", nil, "spec.hostNetwork: "},
		"redirect with hostNetwork":  {Redirect, "spec: { hostNetwork: true }", []Mode{Redirect}, "spec.hostNetwork: "},
		"redirect that is not there": {Redirect, "", nil, "this version has no mode redirect"},
		"takeover that is not there": {Takeover, "", nil, "this version has no mode takeover"},
		"takeover without wrapper":   {Takeover, "", []Mode{Takeover}, "mode takeover needs shape wrapper"},
	} {
		p := pod(t, tc.pod)
		p.Asked, p.Has = tc.asked, append(p.Has, tc.has...)
		got, err := Choose(p, around(t))
		var refusal *UnavailableError
		if !errors.As(err, &refusal) || !strings.Contains(err.Error(), tc.want) || refusal.Remedy == "" {
			t.Errorf("%s: got %s, error %v", name, got, err)
		}
	}
	p := pod(t, "spec: { hostNetwork: true }")
	if p.Asked = Observe; true {
		if got, err := Choose(p, around(t)); err != nil || got.Mode != Observe {
			t.Errorf("observe with hostNetwork: got %s, error %v", got, err)
		}
	}
}

// The reason becomes an annotation.
func TestAReasonIsShort(t *testing.T) {
	a := around(t)
	for range 1000 {
		a.Services = append(a.Services, service(t, "{ port: 8080 }"))
	}
	for i := range 50 {
		s := service(t, "{ port: 8080 }")
		s.Name = strings.Repeat("n", 1+i)
		a.Services = append(a.Services, s)
	}
	got, err := Choose(pod(t, ""), a)
	if err != nil || len(got.String()) > 500 || !strings.Contains(got.Reason, "and others") {
		t.Errorf("got %s, error %v", got, err)
	}
}

// A Service of the cluster may name a label that pods get from their controller, as those of a Rollout do.
func TestALabelOfAControllerDoesNotCount(t *testing.T) {
	s := read[corev1.Service](t, "spec: { selector: { app: web, rollouts-pod-template-hash: abc } }")
	if !Selects(s, map[string]string{"app": "web"}) || Selects(s, map[string]string{"app": "api"}) {
		t.Error("it selects pods by the label of their controller")
	}
	s.Spec.Selector = map[string]string{"rollouts-pod-template-hash": "abc"}
	if Selects(s, map[string]string{"app": "web"}) {
		t.Error("it selects pods without a label of their own")
	}
}
