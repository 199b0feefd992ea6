# lameduck: few words.
#
#   build       static, stripped binaries in bin/
#   demo        three rollouts under load: bare, with a preStop sleep, behind lameduck (a minute at most)
#   test        vet, the tests with the race detector, those that it disturbs without it, and the mutants
#   e2e         the tests on a Kubernetes cluster: KUBECONFIG and E2E_LOAD_IMAGE say which, else kind makes one (deploy/e2e)
#   check       format, lint, a tidy go.mod
#   fuzz        every fuzz target for FUZZTIME (10m)
#   bench       what a rollout loses and what a proxy costs, as a page in bin/bench (five minutes)
#   bench-full  the same in full, into bench/results (more than an hour; BENCH_FLAGS=-resume goes on)

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
FUZZTIME ?= 10m

# Built from source by the Go command, which checks its sums. It is no dependency of ours: its go.mod is its own.
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

.PHONY: help build demo test e2e check fuzz bench bench-full bench-tools

help:
	@sed -n 's/^#   //p' Makefile

build:
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/ ./cmd/...

demo:
	go run ./bench/demo

# The race detector makes memory larger and pools forgetful, and has nothing to see in a simulation.
test:
	go vet ./... ./.ci/mutants
	go test -race -timeout 20m ./...
	go test -run 'Allocat|HoldsNoBuffer|Simulated' ./proxy/... ./lifecycle/...
	go run ./.ci/mutants

e2e:
	deploy/e2e/run $(E2E_FLAGS)

check:
	@files=$$(gofmt -l .); test -z "$$files" || { echo "gofmt -w is needed for:" $$files; exit 1; }
	go vet -tags e2e ./... ./.ci/mutants
	go mod tidy -diff
	go run $(GOLANGCI_LINT) run --build-tags e2e ./... ./.ci/mutants

# The targets of a package stand before its "ok" line.
fuzz:
	go test -list '^Fuzz' ./... | awk '/^Fuzz/ { target[n++] = $$1 } /^ok/ { for (i = 0; i < n; i++) print $$2, target[i]; n = 0 }' | \
	while read -r package target; do \
		echo "== $$target for $(FUZZTIME)"; \
		go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10s "$$package" </dev/null; \
	done

bench: bench-tools
	@mkdir -p bin/bench
	go run ./bench/overhead -quick -json bin/bench/overhead.json
	go run ./bench/matrix -out bin/bench $(BENCH_FLAGS)
	go run ./bench/page -in bin/bench

bench-full: bench-tools
	@mkdir -p bench/results
	go run ./bench/matrix -full -out bench/results $(BENCH_FLAGS)
	go run ./bench/overhead -json bench/results/overhead.json
	go run ./bench/page -in bench/results

# Program and Debian package. Servers are in /usr/sbin there, which users have not in their PATH.
BENCH_NEEDS := nginx:nginx-light haproxy:haproxy wrk:wrk
BENCH_TAKES := caddy:caddy node:nodejs h2load:nghttp2-client nghttpd:nghttp2-server

bench-tools:
	@lacks() { for p; do command -v "$${p%:*}" >/dev/null || test -x "/usr/sbin/$${p%:*}" || printf ' %s' "$${p#*:}"; done; }; \
	needed=$$(lacks $(BENCH_NEEDS)); optional=$$(lacks $(BENCH_TAKES)); \
	if test -n "$$needed"; then echo "missing: apt-get install$$needed$${optional:+ (and, for more,$$optional)}"; exit 1; fi; \
	if test -n "$$optional"; then echo "some is left out, for want of: apt-get install$$optional"; fi
