package rollout

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestHTTPGetHook(t *testing.T) {
	var got *http.Request
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer s.Close()
	if err := (HTTPGet{s.URL + "/hold"}).Run(t.Context(), Container{}); err != nil {
		t.Errorf("hook failed with %v, want the status 500 to be ignored as the kubelet does", err)
	}
	if got.Method != "GET" || got.URL.Path != "/hold" || got.UserAgent() != "kube-lifecycle/1.36" {
		t.Errorf("hook asked for %s %s as %q", got.Method, got.URL, got.UserAgent())
	}
}

func TestHTTPGetHookWaitsForTheAnswer(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-answer
	}))
	defer s.Close()
	done := make(chan error)
	go func() { done <- HTTPGet{s.URL}.Run(t.Context(), Container{}) }()
	<-asked
	select {
	case err := <-done:
		t.Fatalf("hook ended before it was answered: %v", err)
	default:
	}
	close(answer)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestHTTPGetHookFailsWithoutAnAnswer(t *testing.T) {
	if err := (HTTPGet{"http://" + freeAddr(t)}).Run(t.Context(), Container{}); err == nil {
		t.Error("a hook without an answer succeeded")
	}
}

func TestExecHookHasTheContainersEnvironment(t *testing.T) {
	err := Exec{Path: os.Args[0]}.Run(t.Context(), Container{Env: []string{"ROLE=fail", quick}})
	if err == nil || !strings.Contains(err.Error(), "exit status 3: no luck") {
		t.Errorf("got %v, want the exit code and the output", err)
	}
	if err := (Exec{Path: os.Args[0]}).Run(t.Context(), Container{Env: []string{"ROLE=print", quick}}); err != nil {
		t.Errorf("a program that exits with 0 failed: %v", err)
	}
}

func TestSleepHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := Sleep(time.Hour).Run(t.Context(), Container{}); err != nil || time.Since(began) != time.Hour {
			t.Errorf("slept %v, %v; want 1h", time.Since(began), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := Sleep(time.Hour).Run(ctx, Container{}); err == nil {
			t.Error("slept through the end of its context")
		}
	})
}
