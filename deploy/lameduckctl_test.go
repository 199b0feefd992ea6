package deploy_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
)

// TestLameduckctlTakesTheArgumentsOfEveryInjector asks the program itself: outside of a cluster it has nobody to ask, or no certificate
// where it is handed one, and says so after it has taken all the arguments.
func TestLameduckctlTakesTheArgumentsOfEveryInjector(t *testing.T) {
	binary := lameduckctlBinary(t)
	everyInjector(t, func(t *testing.T, objects []runtime.Object) {
		cmd := exec.CommandContext(t.Context(), binary, webhookArgs(t, objects)...)
		cmd.Env = []string{"HOME=" + t.TempDir()}
		said, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(said), "cluster") && !strings.Contains(string(said), "/tls/tls.crt") {
			t.Errorf("lameduckctl says: %s (%v)", said, err)
		}
	})
}

// TestTheWebhookHasTheMetricsThatItsRulesAskFor runs it as it runs with a certificate of cert-manager's.
func TestTheWebhookHasTheMetricsThatItsRulesAskFor(t *testing.T) {
	dir, addr := t.TempDir(), freeAddr(t)
	writeCertificate(t, dir)
	args := webhookArgs(t, decode(t, buildInjector(t, "certificate")))
	for i, a := range args {
		a = strings.ReplaceAll(a, "/tls/", dir+"/")
		args[i] = strings.NewReplacer("--metrics=:8081", "--metrics="+addr, "--listen=:8443", "--listen="+freeAddr(t)).Replace(a)
	}
	run(t, dir, nil, lameduckctlBinary(t), args...)
	await(t, "the webhook", func() error { _, err := fetch("http://" + addr + "/readyz"); return err })
	text, err := fetch("http://" + addr + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fetch("http://" + addr + "/livez"); err != nil {
		t.Error(err)
	}
	for _, g := range rules(t, chartDir+"/files").Groups {
		for _, r := range g.Rules {
			for _, name := range regexp.MustCompile(`lameduck_webhook_\w+`).FindAllString(r.Expr.String(), -1) {
				name = strings.TrimSuffix(name, "_bucket")
				// With a certificate that it is handed it writes nothing that could be out of step.
				if !strings.Contains(text, "# TYPE "+name+" ") && name != "lameduck_webhook_ca_bundle_synced" {
					t.Errorf("the webhook has no metric %s, which %s asks for", name, r.Alert)
				}
			}
		}
	}
}

// webhookArgs returns the arguments as the kubelet hands them over.
func webhookArgs(t *testing.T, objects []runtime.Object) []string {
	t.Helper()
	pod, _ := workload(t, objects)
	var args []string
	for _, a := range pod.Containers[0].Args {
		args = append(args, strings.ReplaceAll(a, "$(POD_NAMESPACE)", "lameduck"))
	}
	return args
}

func lameduckctlBinary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lameduckctl")
	if said, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "lameduck/cmd/lameduckctl").CombinedOutput(); err != nil {
		t.Fatalf("build lameduckctl: %v\n%s", err, said)
	}
	return path
}

// writeCertificate writes tls.crt and tls.key.
func writeCertificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"lameduck-webhook.lameduck.svc"}, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"tls.crt": {Type: "CERTIFICATE", Bytes: certificate}, "tls.key": {Type: "PRIVATE KEY", Bytes: private}} {
		writeAt(t, filepath.Join(dir, name), pem.EncodeToMemory(block))
	}
}
