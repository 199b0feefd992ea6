//go:build e2e

package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lameduck/deploy/deploytest"
)

// ownCertificate is the option for a webhook with a certificate from a Secret.
const ownCertificate = "own certificate"

// installWebhook installs the chart under a unique name, and uninstalls it when the test ends.
func installWebhook(t *testing.T, options ...string) *webhook {
	t.Helper()
	release := fmt.Sprintf("e2e%d", time.Now().UnixMilli()%1e6)
	w := &webhook{namespace: release, release: release, name: release + "-lameduck-webhook"}
	for _, i := range []struct{ value, image string }{{"image", ctlImage}, {"sidecar.image", duckImage}} {
		repository, tag, _ := strings.Cut(i.image, ":")
		w.values = append(w.values, "--set", i.value+".repository="+repository, "--set", i.value+".tag="+tag)
	}
	kubectl(t, "create", "namespace", w.namespace)
	kubectl(t, "label", "namespace", w.namespace, "pod-security.kubernetes.io/enforce=restricted")
	t.Cleanup(func() {
		w.uninstall(t)
		// The context of the test is done.
		if _, err := tryKubectl(context.Background(), "", "delete", "namespace", w.namespace,
			"--wait=false"); err != nil {
			t.Log(err)
		}
	})
	if len(options) > 0 {
		w.makeCertificate(t)
	}
	helm(t, append([]string{"install", w.release, "../helm/lameduck-webhook", "-n", w.namespace, "--wait",
		"--timeout", waitTimeout.String()}, w.values...)...)
	return w
}

// upgrade upgrades the release to other values.
func (w *webhook) upgrade(t *testing.T, values ...string) {
	t.Helper()
	args := append([]string{"upgrade", w.release, "../helm/lameduck-webhook", "-n", w.namespace, "--wait",
		"--timeout", waitTimeout.String()}, w.values...)
	helm(t, append(args, values...)...)
}

// uninstall removes the release, if it exists.
func (w *webhook) uninstall(t *testing.T) {
	t.Helper()
	cmd := exec.Command("helm", "uninstall", w.release, "-n", w.namespace, "--ignore-not-found", "--wait",
		"--timeout", waitTimeout.String())
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("helm uninstall: %v: %s", err, said)
	}
}

func helm(t *testing.T, args ...string) {
	t.Helper()
	if said, err := exec.CommandContext(t.Context(), "helm", args...).CombinedOutput(); err != nil {
		t.Fatalf("helm %s: %v: %s", strings.Join(args, " "), err, said)
	}
}

// expectNothingLeft checks all kinds of objects except Events for names of a release.
func expectNothingLeft(t *testing.T, name string) {
	t.Helper()
	kinds := strings.Fields(kubectl(t, "api-resources", "--verbs=list", "-o", "name"))
	var asked []string
	for _, k := range kinds {
		if !strings.HasPrefix(k, "events") {
			asked = append(asked, k)
		}
	}
	deploytest.Await(t, waitTimeout, "the rest of it to go", func() error {
		var left []string
		for line := range strings.Lines(kubectl(t, "get", strings.Join(asked, ","), "-A", "-o", "name")) {
			if line = strings.TrimSpace(line); strings.Contains(line, name) && line != "namespace/"+name {
				left = append(left, line)
			}
		}
		if len(left) > 0 {
			return fmt.Errorf("found %v", left)
		}
		return nil
	})
}

// webhookOverlay returns a kustomization of the webhook with images that the cluster has.
func webhookOverlay(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	copyDeploy(t, root)
	repository, tag, _ := strings.Cut(ctlImage, ":")
	deploytest.WriteFile(t, filepath.Join(root, "overlay", "kustomization.yaml"), fmt.Sprintf(`
resources: [../kustomize/webhook]
images: [{ name: registry.example/lameduckctl, newName: %s, newTag: %s }]
patches:
  - target: { kind: Deployment, name: lameduck-webhook }
    patch: |-
      - { op: add, path: /spec/template/spec/containers/0/args/-, value: "--image=%s" }
`, repository, tag, duckImage))
	return filepath.Join(root, "overlay")
}

func deleteOverlay(t *testing.T, dir string) {
	t.Helper()
	// Also if the context of the test is done.
	if _, err := tryKubectl(context.Background(), "", "delete", "-k", dir, "--ignore-not-found"); err != nil {
		t.Error(err)
	}
}

// makeCertificate creates the Secret of a webhook with a certificate from files, and the values for
// it.
func (w *webhook) makeCertificate(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	certificate := deploytest.NewCertificate(t, w.name+"."+w.namespace+".svc", 24*time.Hour)
	cert, key := certificate.Write(t, dir)
	w.authority = certificate.CertPEM
	w.kubectl(t, "create", "secret", "tls", "own", "--cert", cert, "--key", key)
	w.values = append(w.values, "--set", "tls.secretName=own", "--set-file", "tls.caBundle="+cert)
}

// strangerPEM returns a CA that has signed no certificate here.
func strangerPEM(t *testing.T) []byte {
	t.Helper()
	return deploytest.NewCertificate(t, "stranger.example", 24*time.Hour).CertPEM
}

func base64Of(text []byte) string { return base64.StdEncoding.EncodeToString(text) }
