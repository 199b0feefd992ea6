package lint

import (
	"testing"
)

func TestFindingsOfPorts(t *testing.T) {
	expectFindings(t, map[string]variant{
		"no target port": {
			manifest: nativeManifest,
			edits:    edits{servicePort, "ports: [{ port: 8080 }]"},
			want:     []string{"service-bypasses-lameduck"},
		},
		"the name of the app's port": {
			manifest: nativeManifest,
			edits:    edits{appPort, "ports: [{ name: http, containerPort: 8080 }]"},
			want:     []string{"service-bypasses-lameduck"},
		},
		"a Service for UDP at that number": {
			manifest: nativeManifest,
			edits: edits{
				servicePort,
				"ports: [{ port: 80, targetPort: http, name: a }, { port: 8080, protocol: UDP, " +
					"name: b }]",
			},
		},
		"a port that is taken over, by number, headless and in a policy": {
			manifest: wrapperManifest,
			edits: edits{
				`value: "18080=8080"`, `value: "8080=takeover"`, "containerPort: 18080", "containerPort: 8080",
				servicePort, "clusterIP: None\n  ports: [{ port: 8080 }]",
				"apiVersion: policy/v1", "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: web }\n" +
					"spec: { podSelector: {}, ingress: [{ ports: [{ port: 8080 }] }] }\n---\napiVersion: policy/v1",
			},
		},
		"a port that is redirected, by number, headless and in a policy": {
			manifest: nativeManifest,
			edits: edits{
				"      initContainers:\n", "      initContainers:\n        - { name: r, image: a/lameduck, args: [redirect, 8080=18080] }\n",
				appPort, "ports: [{ name: http, containerPort: 8080 }]",
				servicePort, "clusterIP: None\n  ports: [{ port: 8080 }]",
				"apiVersion: policy/v1", "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: web }\n" +
					"spec: { podSelector: {}, ingress: [{ ports: [{ port: 8080 }] }] }\n---\napiVersion: policy/v1",
			},
		},
		"a policy of Cilium by number": {
			manifest: nativeManifest,
			edits: edits{"apiVersion: policy/v1", "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n" +
				"metadata: { name: web }\nspec: { endpointSelector: {}, ingress: [{ toPorts: [{ ports: [{ port: '8080' }] }] }] }\n" +
				"---\napiVersion: policy/v1"},
			want: []string{"network-policy-shuts-out"},
		},
		"a policy of Calico by both numbers": {
			manifest: nativeManifest,
			edits: edits{"apiVersion: policy/v1", "apiVersion: projectcalico.org/v3\nkind: NetworkPolicy\n" +
				"metadata: { name: web }\nspec: { selector: all(), ingress: [{ action: Allow, destination: " +
				"{ ports: [8080, 18080] } }] }\n---\napiVersion: policy/v1"},
		},
		"only a way around the relay": {
			manifest: nativeManifest,
			edits: edits{
				"      initContainers:\n", "      initContainers:\n        - { name: r, image: a/lameduck, args: [redirect, --direct, 8080=18080] }\n",
				servicePort, "ports: [{ port: 8080 }]",
			},
			want: []string{"service-bypasses-lameduck"},
		},
		"a redirect on the node's network": {
			manifest: nativeManifest,
			edits: edits{
				"      initContainers:\n", "      hostNetwork: true\n      initContainers:\n        - { name: r, image: a/b, command: [/lameduck, redirect, 8080=18080] }\n",
			},
			want: []string{"host-network-hook", "redirect-refused"},
		},
		"an observed port": {
			manifest: nativeManifest,
			edits: edits{
				`{ name: LAMEDUCK_ROUTES, value: "18080=8080" }`, `{ name: LAMEDUCK_OBSERVE, value: "8080" }`,
				"targetPort: http", "targetPort: 8080", appPort, "ports: [{ name: http, containerPort: 8080 }]",
			},
			want: []string{"kept-connections-not-closed"},
		},
		"observed ports that are not in the manifest": {
			manifest: nativeManifest,
			edits: edits{
				`{ name: LAMEDUCK_ROUTES, value: "18080=8080" }`, "{ name: LAMEDUCK_OBSERVE, valueFrom: { " +
					"configMapKeyRef: { name: c, key: k } } }",
				"targetPort: http", "targetPort: 8080", appPort, "ports: [{ name: http, containerPort: 8080 }]",
			},
			want: []string{"kept-connections-not-closed"},
		},
		"a Service of one pod of a StatefulSet, by number": {
			manifest: nativeManifest,
			edits: edits{
				"metadata: { name: web }\nspec:\n  selector: { app: web }\n  ports", "metadata: { name: web }\nspec:\n  selector: " +
					"{ app: web, statefulset.kubernetes.io/pod-name: web-0 }\n  ports", "targetPort: http", "targetPort: 8080",
			},
			want: []string{"service-bypasses-lameduck"},
		},
		"a Service of one pod of a StatefulSet": {
			manifest: nativeManifest,
			edits: edits{
				"apiVersion: policy/v1", "apiVersion: v1\nkind: Service\nmetadata: { name: web-0 }\nspec: { selector: " +
					"{ statefulset.kubernetes.io/pod-name: web-0 }, ports: [{ port: 80, targetPort: http }] }\n---\napiVersion: policy/v1",
			},
		},
		"a worker whose Service is for metrics": {
			manifest: "unprotected/bad.yaml",
			edits: edits{
				servicePort, "ports: [{ name: metrics, port: 80, targetPort: 8080 }]", appPortSleep, "ports: [{ containerPort: 8080 }]",
				"port: http }", "port: 8080 }",
			},
		},
		"a worker whose Service has the port for metrics": {
			manifest: "unprotected/bad.yaml",
			edits: edits{
				servicePort, "ports: [{ port: 80, targetPort: http-prom }]", appPortSleep, "ports: [{ name: http-prom, containerPort: 8080 }]",
				"port: http }", "port: 8080 }",
			},
		},
		"a server of UDP, which Lameduck cannot protect": {
			manifest: "unprotected/bad.yaml",
			edits: edits{
				servicePort, "ports: [{ port: 53, protocol: UDP }]", appPortSleep, "ports: [{ containerPort: 53, protocol: UDP }]",
				"port: http }", "port: 8080 }",
			},
		},
		"a Service for metrics and clients": {
			manifest: "unprotected/bad.yaml",
			edits: edits{
				servicePort, "ports: [{ name: metrics, port: 80, targetPort: 8080 }, { name: web, port: 81, targetPort: 8081 }]",
				appPortSleep, "ports: [{ containerPort: 8080 }, { containerPort: 8081 }]", "port: http }", "port: 8080 }",
			},
			want: []string{"unprotected"},
		},
		"another port of the app": {
			manifest: nativeManifest,
			edits: edits{
				servicePort,
				"ports: [{ port: 80, targetPort: http, name: a }, { port: 9090, name: b }]",
			},
		},
		"a Service of another namespace": {
			manifest: nativeManifest,
			edits: edits{
				"kind: Service\nmetadata: { name: web }",
				"kind: Service\nmetadata: { name: web, namespace: other }",
				"targetPort: http", "targetPort: 8080",
			},
		},
		"not ready but of other pods": {
			manifest: nativeManifest,
			edits: edits{
				"  selector: { app: web }\n",
				"  selector: { app: other }\n  publishNotReadyAddresses: true\n",
			},
			want: []string{"service-without-pods"},
		},
		"a probe by another container's name": {
			manifest: nativeManifest,
			edits: edits{
				appProbe, "readinessProbe: { httpGet: { path: /readyz, port: lameduck-admin } }",
			},
			want: []string{"readiness-probe-wrong-port"},
		},
		"a probe of the control port": {
			manifest: nativeManifest,
			edits:    edits{appProbe, "readinessProbe: { tcpSocket: { port: 18082 } }"},
			want:     []string{"readiness-probe-wrong-port"},
		},
		"a probe over gRPC": {
			manifest: nativeManifest,
			edits:    edits{appProbe, "readinessProbe: { grpc: { port: 8080 } }"},
		},
		"Lameduck's own probe through the app": {
			manifest: nativeManifest,
			edits:    edits{"path: /readyz, port: 18081", "path: /, port: 18080"},
			want:     []string{"readiness-probe-wrong-port"},
		},
		"a wrapped app's probe of Lameduck": {
			manifest: wrapperManifest,
			edits:    edits{appProbe, "readinessProbe: { httpGet: { path: /readyz, port: 18081 } }"},
			want:     []string{"readiness-probe-wrong-port"},
		},
		"a Service past a wrapper": {
			manifest: wrapperManifest,
			edits:    edits{"targetPort: http", "targetPort: 8080"},
			want:     []string{"service-bypasses-lameduck"},
		},
		"an exec probe where 1.35 is possible": {
			manifest: nativeManifest,
			edits:    edits{appProbe, "readinessProbe: { exec: { command: [/app, ok] } }"},
			want:     []string{"exec-readiness-probe"},
		},
		"a sleep of no seconds on 1.32": {
			manifest: sleepManifest,
			edits:    edits{"seconds: 20", "seconds: 0"},
			options:  Options{Releases: Releases{32}},
			want:     []string{"sleep-hook-skipped"},
		},
		"a sleep of no seconds on 1.33": {
			manifest: sleepManifest,
			edits:    edits{"seconds: 20", "seconds: 0"},
			options:  Options{Releases: Releases{33}},
		},
		"an exec hook of Lameduck's own": {
			manifest: nativeManifest,
			edits: edits{
				"command: [/lameduck, drain, --native]",
				"command: [sh, -c, /lameduck drain --native]",
			},
			want: []string{"drain-hook-missing", "exec-hook-without-shell"},
		},
		"a hook by a name that is declared": {
			manifest: plainManifest,
			edits: edits{
				"port: 18081 } }\n        - name: lameduck",
				"port: http } }\n        - name: lameduck",
			},
			want: []string{"hook-misses-lameduck"},
		},
		"a hook with a host on the node's network": {
			manifest: nativeManifest,
			edits: edits{
				holdHook, "preStop: { httpGet: { path: /hold, port: 18081, host: 127.0.0.1 } }",
				"terminationGracePeriodSeconds: 120",
				"hostNetwork: true\n      terminationGracePeriodSeconds: 120",
			},
		},
		"no Service, a port": {
			manifest: sleepManifest,
			edits: edits{
				"  selector: { app: web }\n  ports", "  selector: { app: other }\n  ports",
				sleepHook, "{}",
			},
			want: []string{"service-without-pods", "unprotected"},
		},
		"no Service, a port for metrics": {
			manifest: sleepManifest,
			edits: edits{
				"  selector: { app: web }\n  ports", "  selector: { app: other }\n  ports",
				sleepHook, "{}",
				appPortSleep, "ports: [{ name: http-metrics, containerPort: 8080 }]",
				"port: http }", "port: 8080 }",
			},
			want: []string{"service-without-pods"},
		},
		"no Service, no port": {
			manifest: sleepManifest,
			edits: edits{
				"  selector: { app: web }\n  ports", "  selector: { app: other }\n  ports",
				sleepHook, "{}",
				appPortSleep, "",
				"port: http }", "port: 8080 }",
			},
			want: []string{"service-without-pods"},
		},
		"a Service by number, no port declared": {
			manifest: sleepManifest,
			edits: edits{
				sleepHook, "{}",
				appPortSleep, "",
				"port: http }", "port: 8080 }",
				"targetPort: http", "targetPort: 8080",
			},
			want: []string{"unprotected"},
		},

		"a policy for a range": {
			manifest: "network-policy-shuts-out/bad.yaml",
			edits:    edits{"{ port: 18081 }", "{ port: 18000, endPort: 18090 }"},
		},
		"a policy for everything": {
			manifest: "network-policy-shuts-out/bad.yaml",
			edits:    edits{"{ ports: [{ port: 8080 }, { port: 18081 }, { protocol: UDP }] }", "{}"},
		},
		"a policy for egress": {
			manifest: "network-policy-shuts-out/bad.yaml",
			edits:    edits{"  ingress", "  policyTypes: [Egress]\n  ingress"},
		},
		"a policy for other pods": {
			manifest: "network-policy-shuts-out/bad.yaml",
			edits: edits{
				"podSelector: { matchLabels: { app: web } }",
				"podSelector: { matchLabels: { app: other } }",
			},
		},
	})
}
