package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"lameduck/deploy/ctl/measure/incluster"
)

// jobOf returns the Job of a command line.
func jobOf(t *testing.T, args ...string) incluster.Spec {
	t.Helper()
	var spec incluster.Spec
	var f measureFlags
	cmd := &cobra.Command{RunE: func(cmd *cobra.Command, args []string) error {
		cfg, err := f.config(strings.NewReader(""), args[0])
		spec = f.jobSpec(cfg)
		return err
	}}
	f.addFlags(cmd.Flags())
	cmd.SetArgs(args)
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	return spec
}

// The Job sends the same requests as the command would here, and its arguments contain no secret.
func TestTheJobMakesTheSameRequestsAndHidesSecrets(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("s3cret-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"http://shop.prod.svc:8080/a?key=s3cret", "--for", "90s", "--rate", "33.5", "--post=/orders",
		"--body", "s3cret-body", "-H", "X-Key: s3cret-header", "-H", "Host: $(HOST)", "--token-file", token, "--timeout", "3s",
		"--connections", "5", "--expect", "2xx", "--protocols", "http1,http2", "--pod-header", "X-Pod", "--max-requests", "77",
		"--content-type", "$(x)", "--in-cluster", "--image", "registry.example/ctl:1"}
	spec := jobOf(t, args...)
	if spec.Image != "registry.example/ctl:1" || spec.Args[0] != "measure" || !slices.Contains(spec.Args, "--events") {
		t.Errorf("%+v", spec)
	}
	if text := strings.Join(spec.Args, " "); strings.Contains(text, "s3cret") || !strings.Contains(text, "--content-type=$$(x)") {
		t.Errorf("arguments %s", text)
	}
	// The arguments as the kubelet expands them.
	dir := t.TempDir()
	var expanded []string
	for _, a := range spec.Args[1:] {
		for key, value := range spec.Secrets {
			a = strings.ReplaceAll(a, "$("+key+")", value)
		}
		a = strings.ReplaceAll(strings.ReplaceAll(a, "$$(", "$("), incluster.Dir, dir)
		expanded = append(expanded, a)
	}
	for key, content := range spec.Files {
		if err := os.WriteFile(filepath.Join(dir, key), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	again := jobOf(t, append(expanded, "--image", "registry.example/ctl:1")...)
	if !slices.Equal(again.Args, spec.Args) || !equalSecrets(again, spec) || !bytes.Equal(again.Files["BODY"], []byte("s3cret-body")) {
		t.Errorf("the load in the cluster has\n%v %v\nand not\n%v %v", again.Args, again.Secrets, spec.Args, spec.Secrets)
	}
}

// equalSecrets compares without the keys of header fields, which depend on the order of a map.
func equalSecrets(a, b incluster.Spec) bool {
	values := func(s incluster.Spec) []string {
		var all []string
		for _, v := range s.Secrets {
			all = append(all, v)
		}
		slices.Sort(all)
		return all
	}
	return slices.Equal(values(a), values(b))
}

func TestALoadWithEventsWritesItsReportLast(t *testing.T) {
	stdout, stderr, code := ctl(t, "", "measure", service(t, 4), "--for", "1500ms", "--rate", "50", "--events", "--max-lost=-1")
	if code != exitOK || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	events := make([]incluster.Event, len(lines))
	for i, line := range lines {
		if err := json.Unmarshal([]byte(line), &events[i]); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	first, last := events[0], events[len(events)-1]
	if !first.Began || last.Report == nil || last.Report.Lost == 0 || last.Report.Requests != last.Requests || len(events) < 3 {
		t.Errorf("events %s", stdout)
	}
}

func TestALoadInTheClusterNeedsAnImageRightsAndAContext(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" {
			t.Errorf("the API server is asked for %s %s", r.Method, r.URL)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1","status":{"allowed":false}}`))
	}))
	defer api.Close()
	for _, tc := range []struct {
		args string
		want []string
	}{
		{"--context prod", []string{"--image: must be an image"}},
		{"--image i", []string{"this would create a Job in namespace shops", "--context prod"}},
		{"--image i --context prod", []string{"create jobs.batch", "delete jobs.batch", "get pods/log", "watch pods"}},
		{"--image i --context prod -H X:y", []string{"create secrets"}},
	} {
		_, stderr, code := ctl(t, "", append([]string{"measure", "http://shop/", "--for", "1s", "--in-cluster", "--kubeconfig",
			kubeconfig(t, api.URL)}, strings.Fields(tc.args)...)...)
		for _, want := range tc.want {
			if code != exitError || !strings.Contains(stderr, want) {
				t.Errorf("%s: exit code %d: %s, want %q", tc.args, code, stderr, want)
			}
		}
	}
}
