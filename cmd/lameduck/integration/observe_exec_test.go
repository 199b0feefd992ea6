package integration

import (
	"net/http"
	"os/exec"
	"testing"
)

// The kubelet does not probe Lameduck in a wrapper. Its probes of the child come from the node's
// address or from the pod's gateway.
func TestObserve_AWrapperKnowsTheKubeletsProbes(t *testing.T) {
	for name, known := range map[string]func(ns *namespace) (hostIP string){
		"from the node": func(ns *namespace) string { return ns.gateway },
		"from the gateway": func(ns *namespace) string {
			_ = exec.Command("ip", "-n", ns.name, "route", "add", "default", "via", ns.gateway).Run()
			return "192.0.2.1"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ns := newNamespace(t)
			d := &lameduck{admin: ns.address + ":18081"}
			d.program = ns.start(t, []string{
				"LAMEDUCK_HOST_IP=" + known(ns), "LAMEDUCK_OBSERVE=8080", "LAMEDUCK_OBSERVE_PROBES=8080=10s",
			}, programPath("lameduck"), "exec", "--", programPath("child"), "-listen", ":8080", "-on", "SIGTERM=0")
			d.logged(t, "serving")
			d.stdout.awaitPrefix(t, "ready ") // a connection would be counted
			kubelet := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			for range 2 {
				r, err := kubelet.Get("http://" + ns.address + ":8080/")
				if err != nil {
					t.Fatal(err)
				}
				_ = r.Body.Close()
			}
			d.awaitMetric(t, "lameduck_observed_probes_total", "1")
			d.awaitMetric(t, `lameduck_observed_connections_total{port="8080"}`, "1") // one more than the probe explains
		})
	}
}
