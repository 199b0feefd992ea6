# lameduck: few words.
#
#   build   static, stripped binaries in bin/
#   demo    three rollouts under load: bare, with a preStop sleep, behind lameduck (a minute at most)
#   test    vet, the tests with the race detector, those that it disturbs without it, and the mutants
#   check   format, lint, a tidy go.mod
#   fuzz    every fuzz target for FUZZTIME (10m)
#   bench   the cost of a proxy in front of an app, and what a rollout loses (needs nginx, haproxy and wrk)

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
FUZZTIME ?= 10m

# Built from source by the Go command, which checks its sums. It is no dependency of ours: its go.mod is its own.
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

.PHONY: help build demo test check fuzz bench

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

check:
	@files=$$(gofmt -l .); test -z "$$files" || { echo "gofmt -w is needed for:" $$files; exit 1; }
	go vet ./... ./.ci/mutants
	go mod tidy -diff
	go run $(GOLANGCI_LINT) run ./... ./.ci/mutants

# The targets of a package stand before its "ok" line.
fuzz:
	go test -list '^Fuzz' ./... | awk '/^Fuzz/ { target[n++] = $$1 } /^ok/ { for (i = 0; i < n; i++) print $$2, target[i]; n = 0 }' | \
	while read -r package target; do \
		echo "== $$target for $(FUZZTIME)"; \
		go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10s "$$package" </dev/null; \
	done

bench:
	@mkdir -p bin
	go run ./bench/overhead -json bin/overhead.json
	go run ./bench/demo -json bin/demo.json
