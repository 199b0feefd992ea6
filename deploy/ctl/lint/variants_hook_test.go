package lint

import (
	"testing"
)

func TestFindingsOfHooks(t *testing.T) {
	expectFindings(t, map[string]variant{
		"native":  {manifest: nativeManifest},
		"plain":   {manifest: plainManifest},
		"wrapper": {manifest: wrapperManifest},
		"a sleep": {manifest: sleepManifest},

		"a hook of the app's own does not hold": {
			manifest: nativeManifest,
			edits:    edits{holdHook, "preStop: { exec: { command: [/app, quit] } }"},
			want:     []string{"container-not-held"},
		},
		"an HTTP hook of the app does not hold": {
			manifest: nativeManifest,
			edits:    edits{holdHook, "preStop: { httpGet: { path: /quit, port: 8080 } }"},
			want:     []string{"container-not-held"},
		},
		"another path of Lameduck does not hold": {
			manifest: nativeManifest,
			edits:    edits{"path: /hold", "path: /livez"},
			want:     []string{"hook-misses-lameduck"},
		},
		"a container without a port needs no hook": {
			manifest: nativeManifest,
			edits: edits{holdHook, holdHook + `
        - name: logs
          image: registry.example/logs:1
          ports: [{ name: metrics, containerPort: 9000 }]`},
		},
		"a wrapper needs no hook on the node's network": {
			manifest: wrapperManifest,
			edits: edits{
				"terminationGracePeriodSeconds: 120",
				"hostNetwork: true\n      terminationGracePeriodSeconds: 120",
			},
		},
		"a native sidecar stops after the containers": {
			manifest: nativeManifest,
			edits: edits{"      containers:\n", `        - name: auth
          image: registry.example/auth:1
          restartPolicy: Always
          ports: [{ name: auth, containerPort: 4180 }]
          readinessProbe: { tcpSocket: { port: auth } }
      containers:
`, "targetPort: http", "targetPort: auth"},
		},
		"a pod that runs to completion": {
			manifest: sleepManifest,
			edits: edits{
				sleepHook, "{}",
				"      terminationGracePeriodSeconds: 30\n",
				"      terminationGracePeriodSeconds: 30\n      restartPolicy: Never\n",
			},
		},
		"a container beside a wrapper is held by its hook": {
			manifest: wrapperManifest,
			edits: edits{
				appProbe, appProbe + besideAWrapper + "\n          lifecycle: { " + holdHook + " }",
				servicePort, twoPorts,
			},
		},
		"a container beside a wrapper without a hook": {
			manifest: wrapperManifest,
			edits:    edits{appProbe, appProbe + besideAWrapper, servicePort, twoPorts},
			want:     []string{"container-not-held"},
		},
		"--native is missing": {
			manifest: nativeManifest,
			edits:    edits{", --native", ""},
			want:     []string{"drain-hook-of-another-shape"},
		},
		"Lameduck is found by its image": {
			manifest: nativeManifest,
			edits:    edits{"name: lameduck\n", "name: front\n", ", --native", ""},
			want:     []string{"drain-hook-of-another-shape"},
		},
	})
}
