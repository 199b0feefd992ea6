package rollout

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestStopSignalReachesTheProcess(t *testing.T) {
	k, _ := kubelet(t)
	cases := map[string]struct {
		signal syscall.Signal
		want   string
	}{
		"SIGTERM by default":    {0, "signal: terminated"},
		"the one that is named": {syscall.SIGINT, "signal: interrupt"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := role("ready", freeAddr(t))
			c.StopSignal = tc.signal
			p := run(t, k, c)
			events := p.Terminate(t.Context()).Events
			if last := events[len(events)-1]; last.Step != Exited || last.Detail != tc.want {
				t.Errorf("it ended with %s %q, want %q", last.Step, last.Detail, tc.want)
			}
		})
	}
}

// TestDeafProcessIsKilled takes the 2 s that the kubelet gives every process.
func TestDeafProcessIsKilled(t *testing.T) {
	k, _ := kubelet(t)
	p := run(t, k, role("deaf", freeAddr(t)))
	p.spec.Grace = time.Millisecond
	events := p.Terminate(t.Context()).Events
	if last := events[len(events)-1]; last.Detail != "signal: killed" {
		t.Errorf("it ended with %s %q, want it to be killed", last.Step, last.Detail)
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	ends := map[string]func(*Kubelet, context.CancelFunc, *Pod){
		"by Close":             func(k *Kubelet, _ context.CancelFunc, _ *Pod) { k.Close() },
		"by the context's end": func(_ *Kubelet, cancel context.CancelFunc, _ *Pod) { cancel() },
		"by the pod's end":     func(_ *Kubelet, _ context.CancelFunc, p *Pod) { p.Terminate(context.Background()) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			k := NewKubelet(ctx, "")
			defer k.Close()
			p := run(t, k, role("ready", freeAddr(t)))
			end(k, cancel, p)
			<-p.containers[0].exited()
		})
	}
}

func TestProcessesDoNotOutliveAKilledParent(t *testing.T) {
	addr := freeAddr(t)
	parent := exec.Command(os.Args[0])
	parent.Env = []string{"ROLE=parent", "ADDR=" + addr}
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	defer parent.Wait()
	defer parent.Process.Kill()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "started\n" {
		t.Fatalf("the parent printed %q, %v", line, err)
	}
	conn := connect(t, addr)
	parent.Process.Kill()
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Read(make([]byte, 1)); os.IsTimeout(err) {
		t.Error("the child still runs")
	}
}

func TestStartEndsWhatItStartedWhenItCannotGoOn(t *testing.T) {
	k, logs := kubelet(t)
	addr := freeAddr(t)
	first := role("ready", addr)
	first.Startup = first.Ready
	second := role("ready", freeAddr(t))
	second.Path = filepath.Join(logs, "missing")
	_, err := k.Start(t.Context(), Spec{Name: "pod", Sidecars: []Container{first}, Containers: []Container{second}})
	if err == nil || !strings.Contains(err.Error(), "pod pod: start container ready: fork/exec "+second.Path) {
		t.Errorf("got %v, want it to name the pod, the container and the program", err)
	}
	if probe(t.Context(), first.Ready, nil) == nil {
		t.Error("the sidecar still runs")
	}
}

func TestContainersStartWhenTheSidecarsHave(t *testing.T) {
	k, _ := kubelet(t)
	sidecar := role("serve", freeAddr(t)) // answers 404: it never has started
	sidecar.Startup = "http://127.0.0.1:1/"
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	app := role("ready", freeAddr(t))
	spec := Spec{Name: "pod", Sidecars: []Container{sidecar}, Containers: []Container{app}}
	if _, err := k.Start(ctx, spec); err == nil {
		t.Error("the pod started without its sidecar")
	}
	if probe(t.Context(), app.Ready, nil) == nil {
		t.Error("the container was started before its sidecar")
	}
}

func TestEnvironmentIsOnlyWhatTheContainerHas(t *testing.T) {
	t.Setenv("SECRET", "inherited")
	k, logs := kubelet(t)
	c := role("print", "x")
	c.Args = []string{"-a", "b"}
	<-run(t, k, c).containers[0].exited()
	got, err := os.ReadFile(filepath.Join(logs, "pod-print.log"))
	if want := "ROLE=print ADDR=x " + quick + " [-a b]\n"; err != nil || string(got) != want {
		t.Errorf("the process printed %q, %v; want %q", got, err, want)
	}
}

func TestPodReportsItsEnd(t *testing.T) {
	k, logs := kubelet(t)
	c := role("fail", "")
	c.Ready = "http://" + freeAddr(t)
	p, err := k.Start(t.Context(), Spec{Name: "pod", Containers: []Container{c}})
	if err != nil {
		t.Fatal(err)
	}
	says(t, p.Ready(t.Context()), "pod pod", "container fail ended", "exit status 3", filepath.Join(logs, "pod-fail.log"))
}

func TestPodThatIsNotReadyInTimeReportsWhy(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked == 2 {
			cancel()
		}
		http.NotFound(w, r)
	}))
	defer s.Close()
	c := &container{Container: Container{Name: "app", Ready: s.URL}, process: &fake{}, output: "app.log"}
	p := &Pod{spec: Spec{Name: "pod"}, containers: []*container{c}}
	says(t, p.Ready(ctx), "pod pod", "container app was not ready in time", "404 Not Found", "app.log")
}

func TestProbesOfAContainer(t *testing.T) {
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path+" "+r.Header.Get("X-Probe")+" "+r.UserAgent())
		if len(asked) == 1 {
			http.NotFound(w, r) // it has not started yet
		}
	}))
	defer s.Close()
	header := http.Header{"X-Probe": {"yes"}}
	c := &container{Container: Container{Startup: s.URL + "/startup", Ready: s.URL + "/ready", ProbeHeader: header}, process: &fake{}}
	p := &Pod{containers: []*container{c}}
	ready(t, p)
	const agent = " yes kube-probe/1.36"
	startups := slices.Index(asked, "/ready"+agent)
	asked = slices.Compact(asked) // on a busy machine a probe may time out, and is made again
	if want := []string{"/startup" + agent, "/ready" + agent}; startups < 2 || !slices.Equal(asked, want) {
		t.Errorf("it was asked %d times whether it has started, and in all %q, want %q", startups, asked, want)
	}
}

func says(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("got %v, want it to contain %q", err, part)
		}
	}
}

func TestClosedKubeletStartsNothing(t *testing.T) {
	k, _ := kubelet(t)
	k.Close()
	if _, err := k.Start(t.Context(), Spec{Containers: []Container{role("print", "")}}); err == nil {
		t.Error("a process was started that would never be stopped")
	}
}

func TestExecHookEndsWithItsContainer(t *testing.T) {
	k, _ := kubelet(t)
	hookAddr := freeAddr(t)
	app := role("ready", freeAddr(t))
	app.PreStop = Exec{Path: "/usr/bin/env", Args: []string{"ROLE=deaf", "ADDR=" + hookAddr, os.Args[0]}}
	other := role("ready", freeAddr(t))
	other.Name = "other"
	p, err := k.Start(t.Context(), Spec{Name: "pod", Containers: []Container{app}, Sidecars: []Container{other}})
	if err != nil {
		t.Fatal(err)
	}
	ready(t, p)
	ended := make(chan Termination)
	go func() { ended <- p.Terminate(t.Context()) }()
	// The hook is running once its server answers. Then its container is killed.
	hook := &container{Container: app, process: p.containers[0].process}
	if err := hook.await(t.Context(), "http://"+hookAddr+"/"); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, hookAddr)
	p.containers[0].signal(syscall.SIGKILL)
	io.Copy(io.Discard, conn)
	for _, e := range (<-ended).Events {
		if e.Container == app.Name && e.Step == HookFailed {
			return
		}
	}
	t.Error("the hook was not ended with its container")
}
