package main

import (
	"bufio"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lameduck/deploy/deploytest"
)

// service returns the URL of a server that aborts every n-th request after the first, or none if n
// is zero.
func service(t *testing.T, n int64) string {
	t.Helper()
	var seen atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if i := seen.Add(1); n > 0 && i > 1 && i%n == 0 {
			panic(http.ErrAbortHandler)
		}
		if r.Header.Get("Authorization") == "Bearer wrong" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

func TestMeasuresExitCodeReportsLosses(t *testing.T) {
	for _, tc := range []struct {
		abort int64
		args  string
		want  int
	}{
		{0, "", exitOK},
		{4, "", exitProblems},
		{4, "--max-lost 1000", exitOK},
		{4, "--max-lost -1", exitOK},
		{4, "--max-lost 1", exitProblems},
	} {
		args := append([]string{"measure", service(t, tc.abort), "--for", "1m", "--max-requests", "20", "--rate", "100", "-q"},
			strings.Fields(tc.args)...)
		stdout, stderr, code := ctl(t, "", args...)
		if code != tc.want || stderr != "" || !strings.Contains(stdout, "GET HTTP/1.1 kept") {
			t.Errorf("%s: exit code %d, want %d\n%s%s", tc.args, code, tc.want, stdout, stderr)
		}
	}
}

func TestMeasureRefusesWhatItCannotMeasure(t *testing.T) {
	const canary = "c4n4ry"
	fine := service(t, 0)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{fine}, "--for: must be a duration above zero"},
		{[]string{"shop.example", "--for", "1s"}, "URL: must be absolute"},
		{[]string{"https://u:" + canary + "@/", "--for", "1s"}, "URL: must be absolute"},
		{[]string{fine, "--for", "1s", "--rate", "0"}, "rate: must be above 0"},
		{[]string{fine, "--for", "1s", "--expect", "ok"}, "--expect: must be a list of statuses"},
		{[]string{fine, "--for", "1s", "--protocols", "http3"}, `--protocols: must be http1, http2, grpc or websocket, got "http3"`},
		{[]string{fine, "--for", "1s", "--body", "x"}, "--post: must be set if --body is"},
		{[]string{fine, "--for", "1s", "-H", canary}, "--header: must be like 'Name: value'"},
		{[]string{fine, "--for", "1s", "--token-file", "none"}, "--token-file: open none"},
		{[]string{fine, "--for", "1s", "--token-file", token}, "answered 401 Unauthorized"},
		{[]string{fine + "/?token=" + canary, "--for", "1s", "--expect", "404"}, "answered 200 OK"},
		{[]string{fine, "--for", "1s", "--ca", token}, "has no PEM certificate"},
		{[]string{fine, "--for", "1s", "--post=//other/", "--body", "x"}, "must have the scheme and host"},
		{[]string{"http://127.0.0.1:1/", "--for", "1s"}, "connection refused"},
		{[]string{"http://127.0.0.1:1/?token=" + canary, "--for", "1s"}, "connection refused"},
		{[]string{"http://127.0.0.1:1/?token=" + canary, "--for", "1s", "--protocols", "websocket"}, "connection refused"},
		{[]string{fine + "/?token=" + canary, "--for", "1s", "--protocols", "websocket"}, "answered 200 OK"},
	} {
		stdout, stderr, code := ctl(t, "", append([]string{"measure"}, tc.args...)...)
		if code != exitError || !strings.Contains(stderr, tc.want) || strings.Contains(stdout+stderr, canary) {
			t.Errorf("%v: exit code %d, %s%s, want %q", tc.args, code, stdout, stderr, tc.want)
		}
	}
}

func TestMeasureWritesItsFiles(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	_, stderr, code := ctl(t, "", "measure", service(t, 4)+"/path?key=s3cret", "--for", "200ms", "--rate",
		"100", "-q", "--json", at("r.json"), "--html", at("r.html"), "--junit", at("r.xml"), "--redact", "--post",
		"--body", "s3cret", "-H", "Authorization: s3cret", "--max-lost=-1")
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, name := range []string{"r.json", "r.html", "r.xml"} {
		text, err := os.ReadFile(at(name))
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"s3cret", "127.0.0.1", "/path"} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s has %s", name, secret)
			}
		}
	}
}

// An interrupted measurement reports the results so far, and has their exit code.
func TestAnInterruptedMeasurementIsReported(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "r.json")
	began := make(chan struct{}, 1000)
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { began <- struct{}{} }))
	defer s.Close()
	cmd := exec.CommandContext(t.Context(), self, "measure", s.URL, "--for", "1h", "--json", path)
	cmd.Env = append(os.Environ(), childVariable+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		select {
		case <-began:
		case <-time.After(deploytest.WaitTimeout):
			t.Fatal("no request")
		}
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(bufio.NewReader(out))
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	var report struct {
		Ended    string
		Requests int
	}
	file, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(file, &report)
	}
	if err != nil || report.Ended != "interrupted" || report.Requests < 4 ||
		!strings.Contains(string(text), "was interrupted") {
		t.Errorf("%v, report %+v\n%s", err, report, text)
	}
}

func TestLameduckctlIsAPluginOfKubectl(t *testing.T) {
	for name, want := range map[string]string{"lameduckctl": "lameduckctl measure URL",
		"kubectl-lameduck": "kubectl lameduck measure URL"} {
		root := newRootCommand(name)
		var out strings.Builder
		root.SetOut(&out)
		root.SetArgs([]string{"measure", "--help"})
		if err := root.Execute(); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %v, the help lacks %q:\n%s", name, err, want, out.String())
		}
	}
	stdout, _, _ := ctl(t, "", "--help")
	if !strings.Contains(stdout, "completion") {
		t.Errorf("the help does not show completion:\n%s", stdout)
	}
}
