package main

import (
	"context"
	"os"
	"strings"
	"testing"
)

func TestRunFromEndToEnd(t *testing.T) {
	needTools(t, required()...)
	if _, err := shareCores(); err != nil {
		t.Skip(err)
	}
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	var stdout, stderr strings.Builder
	err := run(t.Context(), strings.Fields("-rounds 1 -duration 500ms -cases keepalive,latency,binary -peers direct,nginx"), &stdout, &stderr)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"|  | direct | nginx |", "| **keepalive** CPU per request, µs | – | ", "| **latency** added latency, median, µs | – | ", "nginx 1."} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("the report has no %q:\n%s", want, stdout.String())
		}
	}
	assertEmpty(t, temp)
}

func TestRunOverEveryProtocol(t *testing.T) {
	needTools(t, append(required(), h2loadTool(), grpcApp().Tool)...)
	if _, err := shareCores(); err != nil {
		t.Skip(err)
	}
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	var stdout strings.Builder
	err := run(t.Context(), strings.Fields("-rounds 1 -duration 500ms -cases h2c,grpc-single,ws-up,tcp-down -peers direct,nginx"), &stdout, &strings.Builder{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| **h2c** CPU per request, µs | – | ", "| **grpc-single** requests per second | ", "| **ws-up** CPU per 64 MiB, ms | – | ",
		"| **tcp-down** MiB per second | ", "h2load 1.", "nghttpd 1.",
	} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("the report has no %q:\n%s", want, stdout.String())
		}
	}
	if !strings.Contains(stdout.String(), "| **tcp-down** CPU per 64 MiB, ms | – | – |") {
		t.Errorf("TCP was relayed by nginx, or by no peer:\n%s", stdout.String())
	}
	assertEmpty(t, temp)
}

func TestRunStopsWhenInterrupted(t *testing.T) {
	needTools(t, required()...)
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	ctx, cancel := context.WithCancel(t.Context())
	interrupt := writerFunc(func(p []byte) {
		if strings.Contains(string(p), "left") { // the first step begins
			cancel()
		}
	})
	err := run(ctx, strings.Fields("-cases keepalive -peers nginx"), &strings.Builder{}, interrupt)
	if err == nil || err.Error() != "interrupted" {
		t.Errorf("the run ended with %v, want interrupted", err)
	}
	assertEmpty(t, temp)
}

type writerFunc func(p []byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}

func assertEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("the run left %v behind, %v", left, err)
	}
}
