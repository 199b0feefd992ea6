package helm_test

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"

	"lameduck/deploy/deploytest"
	"lameduck/deploy/deploytest/manifests"
)

// TestLameduckctlAcceptsTheArgumentsOfEveryInstallation runs the program. Outside of a cluster it
// fails only after it has parsed all arguments: without a cluster, or without the files of the
// certificate.
func TestLameduckctlAcceptsTheArgumentsOfEveryInstallation(t *testing.T) {
	binary := deploytest.Build(t, "lameduck/cmd/lameduckctl")
	eachInstallation(t, func(t *testing.T, objects []runtime.Object) {
		cmd := exec.CommandContext(t.Context(), binary, webhookArgs(t, objects)...)
		cmd.Env = []string{"HOME=" + t.TempDir()}
		output, err := cmd.CombinedOutput()
		if err == nil ||
			!strings.Contains(string(output), "cluster") &&
				!strings.Contains(string(output), "--tls-cert: must be") {
			t.Errorf("lameduckctl: %s (%v)", output, err)
		}
	})
}

// TestTheWebhookHasTheMetricsOfItsRules runs it with a certificate from files.
func TestTheWebhookHasTheMetricsOfItsRules(t *testing.T) {
	dir, addr := t.TempDir(), deploytest.FreeAddr(t)
	deploytest.NewCertificate(t, "lameduck-webhook.lameduck.svc", time.Hour).Write(t, dir)
	args := webhookArgs(t, buildWebhook(t, "certificate"))
	for i, a := range args {
		a = strings.ReplaceAll(a, "/tls/", dir+"/")
		args[i] = strings.NewReplacer("--metrics=:8081", "--metrics="+addr, "--listen=:8443",
			"--listen="+deploytest.FreeAddr(t)).Replace(a)
	}
	deploytest.Start(t, dir, nil, deploytest.Build(t, "lameduck/cmd/lameduckctl"), args...)
	deploytest.Await(t, deploytest.WaitTimeout, "the webhook", func() error {
		_,
			err := deploytest.Fetch("http://" + addr + "/readyz")
		return err
	})
	text, err := deploytest.Fetch("http://" + addr + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := deploytest.Fetch("http://" + addr + "/livez"); err != nil {
		t.Error(err)
	}
	for _, g := range manifests.Rules(t, chartDir+"/files").Groups {
		for _, r := range g.Rules {
			for _, name := range regexp.MustCompile(`lameduck_webhook_\w+`).FindAllString(r.Expr.String(), -1) {
				name = strings.TrimSuffix(name, "_bucket")
				// With a certificate from files it does not write the CA bundle.
				if !strings.Contains(text, "# TYPE "+name+" ") &&
					name != "lameduck_webhook_ca_bundle_synced" {
					t.Errorf("the webhook has no metric %s, which %s needs", name, r.Alert)
				}
			}
		}
	}
}

// webhookArgs returns the arguments with variables expanded.
func webhookArgs(t *testing.T, objects []runtime.Object) []string {
	t.Helper()
	pod, _ := manifests.Workload(t, objects)
	var args []string
	for _, a := range pod.Containers[0].Args {
		args = append(args, strings.ReplaceAll(a, "$(POD_NAMESPACE)", "lameduck"))
	}
	return args
}
